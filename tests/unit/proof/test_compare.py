"""A proof holds where nothing is wrong, and names each thing that is."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tocsin.runtime.proof.compare import confirmed, prove
from tocsin.runtime.proof.evidence import Evidence, Finding, Found, Place, Triaged


def place(offset: int, topic: str = "reports.plat-a.submitted.v1") -> Place:
    return Place(topic, 0, offset)


def found(number: int, owner: str = "nl-hotline", **changes: Any) -> Found:
    return replace(Found(f"referral-{number}", owner, owner, f"referrals.nl.{owner}.v1[0]@{number}"), **changes)


def sound(count: int = 3) -> Evidence:
    """Every report decided, referred once, received once and delivered once; the last one is a dead letter."""
    places = tuple(place(offset) for offset in range(count + 1))
    referrals = tuple(found(number) for number in range(count))
    return Evidence(
        submitted=places,
        triaged=tuple(Triaged(places[number], {f"referral-{number}": "nl-hotline"}) for number in range(count)),
        dead_letters=(places[count],),
        settled=dict.fromkeys(places, "routed") | {places[count]: "refused"},
        referrals=referrals,
        inboxes=referrals,
        sinks=referrals,
        delivered={entry.referral_id: entry.owner for entry in referrals},
    )


@given(st.integers(min_value=0, max_value=30))
def test_a_sound_exchange_is_proven_whatever_its_size(count: int) -> None:
    verdict = prove(sound(count))
    assert verdict.holds, verdict.discrepancies
    assert (verdict.submitted, verdict.answered, verdict.referrals) == (count + 1, count + 1, count)


def without_first(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    return entries[1:]


PLANTED: dict[str, tuple[Callable[[Evidence], Evidence], set[Finding]]] = {
    "a decision that never came out": (
        lambda e: replace(e, dead_letters=()),
        {Finding.LOST_REPORT},
    ),
    "a hole in the ledger": (
        lambda e: replace(e, settled={where: what for where, what in e.settled.items() if where.offset != 1}),
        {Finding.UNSETTLED_REPORT},
    ),
    "a referral that never reached the topic": (
        lambda e: replace(
            e, referrals=without_first(e.referrals), inboxes=without_first(e.inboxes), sinks=(), delivered={}
        ),
        {Finding.LOST_REFERRAL},
    ),
    "a referral that the inbox dropped": (
        lambda e: replace(e, inboxes=without_first(e.inboxes)),
        {Finding.LOST_AT_INBOX},
    ),
    "a delivery that the sink does not hold": (
        lambda e: replace(e, sinks=without_first(e.sinks)),
        {Finding.LOST_AT_SINK},
    ),
    "one referral twice in an inbox": (
        lambda e: replace(e, inboxes=(*e.inboxes, found(0))),
        {Finding.DOUBLED_AT_INBOX},
    ),
    "one referral twice at a sink": (
        lambda e: replace(e, sinks=(*e.sinks, found(0))),
        {Finding.DOUBLED_AT_SINK},
    ),
    "a referral with another member": (
        lambda e: replace(e, sinks=(*e.sinks, found(0, owner="de-police", recipient="nl-hotline"))),
        {Finding.FOREIGN_REFERRAL},
    ),
    "a referral that nobody decided": (
        lambda e: replace(e, referrals=(*e.referrals, found(99)), inboxes=(*e.inboxes, found(99))),
        {Finding.UNEXPLAINED_REFERRAL},
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_named(fault: str) -> None:
    plant, expected = PLANTED[fault]
    verdict = prove(plant(sound()))
    assert {discrepancy.finding for discrepancy in verdict.discrepancies} == expected


def test_a_replay_on_a_topic_is_counted_and_harmless() -> None:
    evidence = sound()
    verdict = prove(replace(evidence, referrals=(*evidence.referrals, found(0))))
    assert verdict.holds
    assert verdict.replayed == 1


def test_an_inbox_that_has_not_read_to_the_end_is_waiting_and_not_lost() -> None:
    evidence = sound()
    behind = replace(
        evidence, inboxes=without_first(evidence.inboxes), sinks=(), delivered={}, unread={"nl-hotline": 1}
    )
    verdict = prove(behind)
    assert verdict.holds
    assert verdict.unread == 1


def test_a_report_that_triage_has_not_reached_is_waiting_and_not_lost() -> None:
    evidence = sound()
    verdict = prove(replace(evidence, submitted=(*evidence.submitted, place(99))))
    assert verdict.holds
    assert verdict.answered == verdict.submitted - 1


def test_what_a_crash_left_on_a_topic_is_explained_while_its_report_waits() -> None:
    evidence = sound()
    left = found(99, report_id="report-99")
    waiting = replace(evidence, submitted=(*evidence.submitted, place(99)), waiting_reports=frozenset({"report-99"}))
    assert prove(replace(waiting, referrals=(*evidence.referrals, left), unread={"nl-hotline": 1})).holds


def test_only_what_a_second_look_still_finds_counts() -> None:
    lost = replace(sound(), dead_letters=())
    assert confirmed(prove(lost), prove(sound())).holds
    assert confirmed(prove(sound()), prove(lost)).holds
    assert confirmed(prove(lost), prove(lost)).discrepancies == prove(lost).discrepancies
