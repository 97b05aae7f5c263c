"""What was recalled is not read again, whichever of several copies, and what is given out again later is."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.takenback import TakenBack
from schemas.records.answers import Status, StatusKind
from schemas.records.referral import Referral
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import an_instant


def a_recall(reference: str = "case-1", **changes: object) -> Referral:
    return a_referral(reference, withdrawn=True, **changes)


def test_a_referral_that_was_recalled_later_is_refused_and_its_recall_is_not() -> None:
    recall = a_recall(revision=2)
    taken = TakenBack()
    taken.note(recall)
    assert list(taken.standing([a_referral(), recall, a_referral("case-2")])) == [recall, a_referral("case-2")]
    assert taken.refused == 1


def test_a_recall_that_is_met_on_the_way_counts_for_what_follows() -> None:
    taken = TakenBack()
    recall = a_recall(revision=2)
    assert list(taken.standing([recall, a_referral()])) == [recall]
    assert taken.refused == 1


def test_a_recall_by_a_ruling_takes_the_same_revision_back_and_a_later_ruling_gives_it_out_again() -> None:
    taken, again = TakenBack(), a_referral(ruling=8)
    taken.note(a_recall(ruling=7))
    assert list(taken.standing([a_referral(), again])) == [again]


@given(st.permutations([(1, 0), (1, 3), (2, 0), (2, 5), (3, 0)]), st.integers(0, 4))
def test_of_one_report_exactly_what_is_older_than_its_latest_recall_is_refused(
    orders: list[tuple[int, int]], cut: int
) -> None:
    taken = TakenBack()
    recalled = orders[:cut]
    for revision, ruling in recalled:
        taken.note(a_recall(revision=revision, ruling=ruling))
    rest = [order for order in orders if order not in recalled]
    shown = [(one.revision, one.ruling) for one in taken.standing([a_referral(revision=r, ruling=n) for r, n in rest])]
    latest = max(recalled, default=(0, 0))
    assert shown == [order for order in rest if order > latest]
    assert taken.refused == len(rest) - len(shown)


def test_what_the_status_topic_takes_back_is_refused_and_the_copy_that_stands_for_it_is_not() -> None:
    labelled, without = a_referral(ruling=1), a_referral(ruling=2)
    notice = Status(
        status_id="s", member=RECIPIENT, report_id=without.report_id, referral_id=without.referral_id, ruling=2,
        kind=StatusKind.RECALL, at=an_instant(),
    )  # fmt: skip
    taken = TakenBack()
    taken.told(notice)
    assert list(taken.standing([labelled, without])) == [without]
