"""What is counted of a slice, and what is timed of a live referral: its first delivery and its first taking up."""

from functools import partial

import pytest
from msgspec.structs import replace

from processors.counting import count_letters, count_slice, journeys
from processors.telling import Known, Read
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId, ReferralId, ReportId
from schemas.records.report import SharingChoices
from schemas.records.values import Instant, Mark
from tests.builders.reports import a_report
from tests.unit.processors.test_triage_stages import a_piece, finished, some_stages
from tocsin.runtime import metrics
from tocsin.runtime.transport.slices import RawRecord

KNOWN = Known(
    recipient=MemberId("nl-hotline"),
    submitter=MemberId("fr-hotline"),
    submitter_reference="case-1",
    report_id=ReportId("report"),
    jurisdiction="nl",
    tier="URGENT",
    state="waiting",
    submitted_ms=1_000,
)
ANSWER = Return(
    return_id="answer",
    referral_id=ReferralId("referral"),
    report_id=ReportId("report"),
    revision=1,
    member=MemberId("nl-hotline"),
    mark=Mark.LIVE,
    kind=ReturnKind.DELIVERED,
    at=Instant(epoch_ms=31_000),
)


def timed(answer: Return, known: Known = KNOWN) -> list[tuple[ReturnKind, str, str, float]]:
    raw = RawRecord(offset=0, timestamp_ms=0, key=None, value=None, headers=())
    found = journeys([Read(raw=raw, answer=answer)], {"referral": known})
    return [(one.kind, one.jurisdiction, one.tier, one.seconds) for one in found]


@pytest.mark.parametrize("kind", [ReturnKind.DELIVERED, ReturnKind.TAKEN_UP])
def test_the_first_step_of_a_live_referral_is_timed_from_its_submission(kind: ReturnKind) -> None:
    assert timed(replace(ANSWER, kind=kind)) == [(kind, "nl", "URGENT", 30.0)]


@pytest.mark.parametrize("mark", [Mark.TEST, Mark.DRILL])
def test_tests_and_drills_are_nobodys_waiting(mark: Mark) -> None:
    assert not timed(replace(ANSWER, mark=mark))


@pytest.mark.parametrize("known", [replace(KNOWN, state="taken_up"), replace(KNOWN, withdrawal=True)])
def test_what_was_had_before_and_a_recall_are_not_timed(known: Known) -> None:
    assert not timed(ANSWER, known)


def test_a_delivered_referral_is_still_to_be_taken_up() -> None:
    known = replace(KNOWN, state="delivered")
    assert not timed(ANSWER, known)
    assert timed(replace(ANSWER, kind=ReturnKind.TAKEN_UP), known)


def test_a_clock_that_is_behind_gives_no_negative_time() -> None:
    assert timed(replace(ANSWER, at=Instant(epoch_ms=0)))[0][-1] == 0


def test_members_that_were_kept_from_a_report_are_denials_also_where_others_got_it() -> None:
    denied = a_report(sharing=SharingChoices(deny_members=(MemberId("nl-police"),)))
    (found,) = finished(a_piece(denied))
    assert [answer.denied for answer in found.answers] == [1]
    assert [len(answer.referrals) for answer in found.answers] == [1]
    before = metrics.POLICY_DENIALS._value.get()
    count_slice("triage", "reports.plat-a.submitted.v1", found.answers)
    assert metrics.POLICY_DENIALS._value.get() - before == 1


def told(name: str, **labels: str) -> float:
    return metrics.REGISTRY.get_sample_value(name, labels) or 0


def test_dead_letters_are_counted_by_whose_they_are_and_signatures_among_them_also_as_such() -> None:
    letters = partial(told, "tocsin_dead_letters_total", stage="triage", member="plat-a")
    forged = partial(told, "tocsin_signature_failures_total", stage="triage")
    before = letters(), forged()
    count_letters("triage", "reports.plat-a.submitted.v1", ["origin.unsigned", "value.empty", "origin.altered"])
    assert (letters() - before[0], forged() - before[1]) == (3, 2)


def test_a_slice_counts_outcomes_dead_letters_and_links_to_what_came_before() -> None:
    stages, report = some_stages(), a_report()
    first, second = a_piece(report), a_piece(a_report(submitter_reference="again"), b"no record", first=1)
    stages.finish(stages.claim(stages.decide(first)))
    found = stages.finish(stages.claim(stages.decide(second)))
    values = {
        "routed": partial(told, "tocsin_records_total", stage="triage", outcome="routed"),
        "refused": partial(told, "tocsin_records_total", stage="triage", outcome="refused"),
        "letters": partial(told, "tocsin_dead_letters_total", stage="triage", member="plat-a"),
        "links": partial(told, "tocsin_links_total", kind="same"),
    }
    before = {name: value() for name, value in values.items()}
    count_slice("triage", second.topic, found.answers)
    assert {name: value() - before[name] for name, value in values.items()} == dict.fromkeys(values, 1)
