"""A round of canaries as the journal has it."""

from consumers.canaries import lane_of as arrives_by
from producers.canaries import Perch, draft_of, tell_round
from producers.draft import ReportDraft
from producers.feeds.entries import Context, Entry
from producers.feeds.jsonl.reader import entry_of
from producers.lanes import Lane, lane_of
from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.records.values import Mark
from schemas.topics import referral_topic, urgent_topic
from tocsin.runtime.metrics import CANARY_ROUND

CONTEXT = Context(now_ms=1_767_268_800_000, utc_offset_minutes=0)
SAID = {"submitter_reference", "mark", "incident_types"}


def a_draft(lane: Lane) -> ReportDraft:
    return draft_of(Perch(member=MemberId("nl-hotline"), lane=lane), 1)


def test_a_canary_is_a_report_that_is_taken_and_takes_its_lane() -> None:
    for lane in Lane:
        assert isinstance(entry_of(a_draft(lane), 1, CONTEXT), Entry)
        assert (lane_of(a_draft(lane)), a_draft(lane).mark) == (lane, Mark.TEST)


def test_a_canary_has_nothing_by_which_anything_is_recognised() -> None:
    empty = ReportDraft(submitter_reference="")
    for lane, said in ((Lane.SUBMITTED, SAID), (Lane.ESCALATED, SAID | {"escalation"})):
        draft = a_draft(lane)
        assert {name for name in draft.__struct_fields__ if getattr(draft, name) != getattr(empty, name)} == said


def test_a_round_names_each_lane_as_the_courier_does_and_nobody_who_gets_none_any_more() -> None:
    def told() -> set[tuple[str, str, float]]:
        samples = [one for family in CANARY_ROUND.collect() for one in family.samples]
        return {(one.labels["member"], one.labels["lane"], one.value) for one in samples}

    left, stays = MemberId("fr-hotline"), MemberId("nl-hotline")
    try:
        tell_round([Perch(member=member, lane=lane) for member in (left, stays) for lane in Lane], 1_000)
        tell_round([Perch(member=stays, lane=lane) for lane in Lane], 2_000)
        lanes = {arrives_by(topic(JurisdictionCode("nl"), stays)) for topic in (referral_topic, urgent_topic)}
        assert told() == {(stays, lane, 2.0) for lane in lanes}
    finally:
        CANARY_ROUND.clear()
