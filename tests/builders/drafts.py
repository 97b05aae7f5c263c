"""Valid drafts, entries and submitters: a test names only what it is about."""

import io
import json
from typing import Any

from producers.building import Checked, Submitter, checked
from producers.draft import ReportDraft
from producers.feeds.entries import Context, Drafted, Entry
from schemas.records.identifiers import MemberId
from tests.builders.reports import NOON_MS, an_instant, an_item
from tocsin.policy.members import Profile, day_of
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.registry import FixedDirectory, RecordCodec

CONTEXT = Context(now_ms=NOON_MS)


def a_draft(**changes: Any) -> ReportDraft:
    """One item under the reference case-1."""
    defaults: dict[str, Any] = {"submitter_reference": "case-1", "items": (an_item(),), "detected_at": an_instant()}
    return ReportDraft(**(defaults | changes))


def an_entry(line: int = 1, **changes: Any) -> Drafted:
    """A draft as a feed yields it."""
    return Drafted(line=line, draft=a_draft(**changes), rows=({"submitter_reference": "case-1"},))


def a_checked(**changes: Any) -> Checked:
    """A draft that passed the firewall."""
    found = checked(an_entry(**changes))
    assert isinstance(found, Checked)
    return found


def an_envelope() -> Envelope:
    """Of a member whose settings name no keys."""
    return Envelope(member=MemberId("plat-a"), codec=RecordCodec(FixedDirectory()))


def a_profile(**changes: Any) -> Profile:
    """What a simulated member signed off."""
    defaults: dict[str, Any] = {
        "legal_basis": "gdpr-6-1-f",
        "necessity": "Nobody can look for the child otherwise.",
        "proportionality": "Metadata only.",
        "purpose": "removal_and_investigation",
        "controller": "Simulated Member",
        "retention_days": 30,
        "signed_off_by": "Simulated officer",
        "signed_off_on": day_of(NOON_MS),
    }
    return Profile(**(defaults | changes))


def a_submitter(**changes: Any) -> Submitter:
    """plat-a with its profile."""
    defaults: dict[str, Any] = {"member": MemberId("plat-a"), "profile": a_profile(), "personal_schema_id": 8}
    return Submitter(**(defaults | changes))


def a_row(**changes: Any) -> dict[str, Any]:
    """One object of the jsonl feed."""
    return {"submitter_reference": "case-1", "incident_types": ["csam"]} | changes


def as_stream(*rows: dict[str, Any] | bytes) -> io.BytesIO:
    """Rows as a file of JSON lines; bytes stand as they are."""
    return io.BytesIO(b"\n".join(row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows))


def codes(entry: Entry) -> list[str]:
    """What is wrong with an entry, or what is odd about it."""
    return [found.code for found in (entry.notices if isinstance(entry, Drafted) else entry.problems)]
