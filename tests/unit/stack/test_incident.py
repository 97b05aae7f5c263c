"""Whom `tocsin dlq show` says to tell, and what of it."""

from datetime import UTC, datetime

from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from tests.builders.policy import the_sample
from tocsin.runtime.ledger.deadletters import DROPPED, OPEN, DeadLetter
from tocsin.runtime.settings import IncidentContacts
from tocsin.stack.incident import to_tell

CAME_MS = 1_767_268_800_000  # 2026-01-01T12:00:00Z
DIGEST = "ab" * 32
LETTER = DeadLetter(
    stream=1, topic="reports.ngo-b.submitted.v1", partition=0, offset=17, member="ngo-b", code="firewall.media",
    field="", state=OPEN, at=datetime(2026, 1, 1, 13, tzinfo=UTC), value_bytes=34, value_sha256=DIGEST, masked=True,
    out_topic="", out_partition=0, out_offset=0, decided_by=None, reason=None,
)  # fmt: skip
NAMED = IncidentContacts(data_protection_officer="+32 2 555 01 01", police_unit="+32 2 555 01 02")


def told(letter: DeadLetter = LETTER, contacts: IncidentContacts = NAMED) -> list[str]:
    return list(to_tell(letter, CAME_MS, lambda: the_sample().members, contacts))


def test_member_officer_and_police_are_named_in_this_order_with_all_that_they_are_told() -> None:
    _, _, *three, what, until = told()
    assert three == [
        f"  1. ngo-b: {the_sample().members[MemberId('ngo-b')].out_of_band}",
        "  2. data-protection officer: +32 2 555 01 01",
        "  3. police unit: +32 2 555 01 02",
    ]
    assert what.endswith(f"{LETTER.name}, 2026-01-01T12:00:00Z, 34 bytes, SHA-256 {DIGEST}"), "the record's own time"
    assert "not before 2026-01-29T12:00:00Z" in until


def test_who_is_named_nowhere_is_said_to_be_so_and_where_to_name_them() -> None:
    _, _, member, officer, police, *_ = told(replace(LETTER, member="who-left"), IncidentContacts())
    assert member.startswith("  1. who-left: not named. Set out_of_band in members.toml")
    assert "not named. Set data_protection_officer of [incident_contacts] in ops.toml" in officer
    assert "not named. Set police_unit of [incident_contacts] in ops.toml" in police


def test_of_what_is_no_picture_or_is_over_nobody_is_told() -> None:
    assert told(replace(LETTER, masked=False)) == told(replace(LETTER, state=DROPPED)) == []
