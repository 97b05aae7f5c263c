"""A round of canaries as the journal has it."""

from producers.canaries import Perch, draft_of
from producers.draft import ReportDraft
from producers.feeds.entries import Context, Entry
from producers.feeds.jsonl.reader import entry_of
from producers.lanes import Lane, lane_of
from schemas.records.identifiers import MemberId
from schemas.records.values import Mark

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
