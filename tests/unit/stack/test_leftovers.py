"""Whoever erases is told what stays readable, for whom and until when, and what ends it sooner."""

from collections.abc import Iterable
from datetime import UTC, datetime

from schemas.records.identifiers import MemberId
from schemas.topics import LONGEST_MS, TRIAGE
from tests.builders.reports import NOON_MS
from tocsin.runtime.keys.changing import DAY_MS, VALID_DAYS, admitted, ended_ms, replaced, revoked
from tocsin.runtime.keys.directory import Directory, PublicKey, RevocationReason
from tocsin.runtime.keys.files import Use, new_key
from tocsin.stack.leftovers import leftovers, openers

FIRST_MS = NOON_MS - 100 * DAY_MS
ENDS_MS = FIRST_MS + VALID_DAYS * DAY_MS


def public(use: Use = Use.SEAL) -> bytes:
    return new_key(use).public_key().public_bytes_raw()


def a_directory() -> Directory:
    """Triage's key of a hundred days ago, and keys that open nothing that was sealed to triage."""
    directory = admitted(Directory(), TRIAGE, Use.SEAL, public(), FIRST_MS)
    directory = admitted(directory, TRIAGE, Use.SIGN, public(Use.SIGN), FIRST_MS)
    return admitted(directory, MemberId("nl-hotline"), Use.SEAL, public(), FIRST_MS)


def told(directory: Directory, last_ms: int = NOON_MS, now_ms: int = NOON_MS) -> str:
    return "\n".join(leftovers(directory, last_ms, now_ms))


def names(keys: Iterable[PublicKey]) -> list[str]:
    return [key.key_id for key in keys]


def test_the_key_that_opens_it_is_named_with_the_day_of_its_end_and_of_its_destruction() -> None:
    directory = a_directory()
    (key,) = directory.of(TRIAGE, Use.SEAL)
    said = told(directory)
    assert "tocsin erase --scrub" in said
    ends, gone = (f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}" for at_ms in (ENDS_MS, ENDS_MS + LONGEST_MS))
    assert f"by triage's key {key.key_id}: it ends on {ends}, and from {gone} on " in said
    assert "tocsin keys destroy --as triage deletes it" in said
    assert "tocsin keys rotate --as triage --use seal" in said
    assert "tocsin keys destroy --as MEMBER, there" in said


def test_a_key_that_came_after_the_last_record_opened_none_and_one_that_was_exchanged_still_does() -> None:
    directory = a_directory()
    (old,) = directory.of(TRIAGE, Use.SEAL)
    grown = replaced(directory, TRIAGE, Use.SEAL, public(), NOON_MS)
    assert names(openers(grown, NOON_MS - 1, NOON_MS)) == [old.key_id]
    assert len(names(openers(grown, NOON_MS, NOON_MS))) == 2


def test_a_revoked_key_opens_until_it_is_destroyed_and_one_that_can_be_destroyed_is_said_no_more() -> None:
    directory = a_directory()
    (key,) = directory.of(TRIAGE, Use.SEAL)
    gone = revoked(directory, key.key_id, RevocationReason.SUPERSEDED, NOON_MS)
    (ended,) = gone.of(TRIAGE, Use.SEAL)
    assert f"{key.key_id}: it ended on " in told(gone)
    late_ms = ended_ms(ended) + LONGEST_MS
    assert names(openers(gone, NOON_MS, late_ms - 1)) == [key.key_id]
    assert names(openers(gone, NOON_MS, late_ms)) == []


def test_where_nothing_is_sealed_the_tables_and_what_lies_at_the_submitter_are_named() -> None:
    said = told(Directory())
    assert "tocsin erase --scrub" in said
    assert "tocsin purge --as MEMBER --rejected FOLDER, there" in said
    assert "sealed" not in said
