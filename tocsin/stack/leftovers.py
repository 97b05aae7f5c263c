"""What an erasure leaves readable for who has a disk or a copy of it, until when, and what ends it (ADR 36); pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from schemas.topics import LONGEST_MS, TRIAGE
from tocsin.runtime.keys.changing import ended_ms
from tocsin.runtime.keys.directory import Directory, PublicKey
from tocsin.runtime.keys.files import Use

_SOONER: Final = (
    f"  sooner: tocsin keys rotate --as {TRIAGE} --use seal; by two, tocsin keys revoke KEY --reason superseded; then "
    f"tocsin keys destroy --as {TRIAGE} KEY --at-once --reason WHY. What is sealed to it and not triaged yet is lost"
)
_AT_SUBMITTERS: Final = (
    "  rows that publish refused, in files *.rejected.* on the submitter's machine, which no order reaches: tocsin "
    "purge --as MEMBER --rejected FOLDER, there"
)
_AT_RECIPIENTS: Final = (
    "  sealed parts of referrals, by their recipients' keys alone: tocsin keys destroy --as MEMBER, there"
)


def leftovers(directory: Directory, last_ms: int, now_ms: int) -> Iterator[str]:
    """For a person, once an order was carried out; `last_ms` is when the newest record of what was erased came."""
    yield "Still readable for whoever has the machines' disks or copies of them, until you see to it:"
    yield "  rows in PostgreSQL's own files, until their tables are written anew. At a quiet hour: tocsin erase --scrub"
    yield _AT_SUBMITTERS
    found = tuple(openers(directory, last_ms, now_ms))
    for key in found:
        word, until = "ends" if ended_ms(key) > now_ms else "ended", _day(ended_ms(key) + LONGEST_MS)
        yield (
            f"  sealed parts, by triage's key {key.key_id}: it {word} on {_day(ended_ms(key))}, and from {until} on "
            f"tocsin keys destroy --as {TRIAGE} deletes it"
        )
    if found:
        yield _SOONER
        yield _AT_RECIPIENTS


def openers(directory: Directory, last_ms: int, now_ms: int) -> Iterator[PublicKey]:
    """Triage's keys to which a record of then may be sealed, and that need not be destroyed yet."""
    for key in directory.of(TRIAGE, Use.SEAL):
        if key.valid_from_ms <= last_ms and now_ms < ended_ms(key) + LONGEST_MS:
            yield key


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d}"
