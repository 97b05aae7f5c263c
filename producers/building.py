"""From a draft to the record that is published: screened, filled from the profile, given its id; pure."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

from producers.draft import ReportDraft
from producers.feeds.entries import Drafted, Entry, Problem, Rejection, problem
from producers.lanes import Lane, lane_of
from producers.profiles import governance_of, handling_of
from schemas.codec import MAX_SUBMITTED_BYTES
from schemas.records.identifiers import ContentId, MemberId, report_id_of
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from schemas.records.values import Instant, Mark, SealedPart
from schemas.screening import Finding, screen
from schemas.sealing import MAX_SEALED_BYTES, unsealed_part
from tocsin.policy.members import Profile

PERSONAL_AUDIENCE: Final = "lea"
LONGEST_DRAFT_BYTES: Final = MAX_SUBMITTED_BYTES - 65_536
"""The rest is for what the profile adds, in bounded texts."""
_SUBMITTERS_OWN: Final = frozenset({"governance", "handling", "items", "personal"})


class Submitter(Struct, frozen=True, kw_only=True):
    """Who publishes, with what it signed off."""

    member: MemberId
    profile: Profile
    personal_schema_id: int
    """The schema id of the personal part, which travels as bytes of its own."""


class Checked(Struct, frozen=True, kw_only=True):
    """A draft that may be published: screened, with its lane and a digest of what its submitter stated."""

    line: int
    draft: ReportDraft
    lane: Lane
    digest: str
    """SHA-256 over the draft without revision and mark: whether two reports say the same."""
    notices: tuple[Problem, ...] = ()


def checked(entry: Entry, *, mark: Mark | None = None) -> Checked | Rejection:
    """Hold one entry against the firewall; what it empties is told, what it must not empty refuses the report."""
    if isinstance(entry, Rejection):
        return entry
    screened = screen(entry.draft)
    found = tuple(_told(entry.line, screened.findings))
    if screened.refused:
        return Rejection(line=entry.line, problems=found, rows=entry.rows)
    draft = msgspec.structs.replace(screened.report, mark=mark or screened.report.mark)
    return _measured(entry, draft, found)


def report_of(draft: ReportDraft, submitter: Submitter, now_ms: int) -> ReportSubmitted:
    """The record of a checked draft, as it is published now."""
    stated = {name: getattr(draft, name) for name in draft.__struct_fields__ if name not in _SUBMITTERS_OWN}
    return ReportSubmitted(
        **stated,
        report_id=report_id_of(submitter.member, draft.submitter_reference),
        submitter=submitter.member,
        submitted_at=Instant(epoch_ms=now_ms),
        governance=governance_of(draft, submitter.profile, now_ms),
        handling=handling_of(draft, submitter.profile),
        items=tuple(_numbered(draft.items)),
        sealed=_sealed(draft.personal, submitter.personal_schema_id),
    )


def _measured(entry: Drafted, draft: ReportDraft, found: tuple[Problem, ...]) -> Checked | Rejection:
    """Measured as JSON, which is never smaller than the Avro that travels."""
    said = _json(msgspec.structs.replace(draft, revision=1, mark=Mark.UNKNOWN))
    for field, size, longest in (
        ("", len(said), LONGEST_DRAFT_BYTES),
        ("personal", len(_json(draft.personal)), MAX_SEALED_BYTES),
    ):
        if size > longest:
            told = problem(entry.line, field, code="report.too_large", most=longest, found=size)
            return Rejection(line=entry.line, problems=(told,), rows=entry.rows)
    return Checked(
        line=entry.line,
        draft=draft,
        lane=lane_of(draft),
        digest=sha256(said).hexdigest(),
        notices=(*entry.notices, *found),
    )


def _json(record: Struct) -> bytes:
    return msgspec.json.encode(record, order="deterministic")


def _told(line: int, findings: tuple[Finding, ...]) -> Iterator[Problem]:
    for finding in findings:
        yield problem(line, finding.path, code=finding.rule, length=finding.length)


def _numbered(items: tuple[ContentItem, ...]) -> Iterator[ContentItem]:
    """Each item with an id of its own, because verdicts and outcomes speak of items; the submitter's where given."""
    taken = {item.content_id for item in items}
    for number, item in enumerate(items, start=1):
        content_id = item.content_id or next(_free_ids(number, taken))
        taken.add(content_id)
        yield msgspec.structs.replace(item, content_id=content_id)


def _free_ids(number: int, taken: set[ContentId]) -> Iterator[ContentId]:
    while True:
        content_id = ContentId(f"item-{number}")
        if content_id not in taken:
            yield content_id
        number += 1


def _sealed(part: PersonalPart, schema_id: int) -> tuple[SealedPart, ...]:
    return (unsealed_part(part, PERSONAL_AUDIENCE, schema_id),) if part != PersonalPart() else ()
