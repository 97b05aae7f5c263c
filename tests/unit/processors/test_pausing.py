"""Who is paused: a pure question of counts and limits."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.pausing import HOUR_MS, over_limit, paused_status
from schemas.records.identifiers import MemberId
from schemas.topics import submitted_topic
from tocsin.policy.bundle import SAMPLE, Bundle, load

BUNDLE = load(SAMPLE)
MEMBERS = sorted(BUNDLE.members)


def with_limit(limit: int) -> Bundle:
    members = {name: replace(member, dead_letter_limit_per_hour=limit) for name, member in BUNDLE.members.items()}
    return replace(BUNDLE, members=members)


def test_at_the_limit_nobody_is_paused_and_above_it_that_topic_alone() -> None:
    letters = {submitted_topic(MemberId("plat-a")): 3, submitted_topic(MemberId("ngo-b")): 2}
    assert over_limit(letters, with_limit(3)) == {}
    assert over_limit(letters, with_limit(2)) == {submitted_topic(MemberId("plat-a")): "plat-a"}


def test_a_topic_of_nobody_is_left_alone() -> None:
    assert over_limit({"reports.stranger.submitted.v1": 10**6}, BUNDLE) == {}


@given(st.dictionaries(st.sampled_from(MEMBERS), st.integers(0, 20)), st.integers(0, 20))
def test_whoever_is_paused_is_over_the_limit_and_nobody_else_is(counts: dict[MemberId, int], limit: int) -> None:
    letters = {submitted_topic(member): count for member, count in counts.items()}
    paused = over_limit(letters, with_limit(limit))
    assert set(paused.values()) == {member for member, count in counts.items() if count > limit}


def test_a_member_is_told_once_an_hour_whatever_worker_says_it() -> None:
    first, same, later = (paused_status(MemberId("plat-a"), at).status_id for at in (0, HOUR_MS - 1, HOUR_MS))
    assert first == same != later
