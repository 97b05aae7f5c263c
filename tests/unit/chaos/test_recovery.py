"""The seconds from the last kill to what was due then."""

from tests.chaos.recovery import Recovery


def test_without_a_blow_there_is_nothing_to_recover_from() -> None:
    recovery = Recovery()
    recovery.look(5.0, 100)
    assert recovery.seconds is None


def test_it_counts_from_the_blow_to_the_first_look_at_which_all_is_there_that_was_due() -> None:
    recovery = Recovery()
    recovery.struck(10.0, 40)
    recovery.look(12.0, 39)
    assert recovery.seconds is None
    recovery.look(13.5, 41)
    recovery.look(20.0, 90)
    assert recovery.seconds == 3.5


def test_each_blow_counts_anew_and_one_that_nothing_follows_stays_open() -> None:
    recovery = Recovery()
    recovery.struck(10.0, 40)
    recovery.look(11.0, 40)
    recovery.struck(12.0, 60)
    recovery.look(30.0, 59)
    assert recovery.seconds is None
