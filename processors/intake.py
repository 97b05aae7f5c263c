"""The first step of triage: what is on a topic becomes a record that may go on, or a refusal with its reason."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from processors.laps import UNTIMED, Laps
from processors.origins import Origin, origin_of, origin_refusal
from processors.steps.firewall import rules as firewall
from schemas.catalogue import message
from schemas.codec import MAX_SUBMITTED_BYTES
from schemas.commitments import Commitments, is_sound, is_sound_part
from schemas.failures import Refused, Unreadable
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.report import PersonalPart, ReportSubmitted, Withdrawal
from schemas.records.ruling import RECALLED
from schemas.screening import Finding
from schemas.sealing import NOT_SEALED, is_sealed, personal_part
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import day_of
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.standings import Standing
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord

FUTURE_TOLERANCE_MS: Final = 24 * 3_600_000
"""Clocks and time zones of reporters differ by less than a day."""
CLOSED: Final = "sealed.closed"
"""Nobody decides about a report without what is sealed in it."""
_UNSOUND: Final = "origin.personal_commitment"
"""As of the report's own commitment: nobody can look into random bytes, so there is not one too many of them."""
_DATES: Final = ("received_at", "detected_at", "incident_at")


class Accepted(Struct, frozen=True, kw_only=True):
    """A record that may go on, cleaned by the firewall."""

    report: ReportSubmitted | Withdrawal
    personal: PersonalPart | None = None
    findings: tuple[Finding, ...] = ()
    origin: Origin = Origin.NOT_ASKED
    commitments: Commitments | None = None
    """Of the report as it was sent, before anything was cleaned or amended."""


class Rejected(Struct, frozen=True, kw_only=True):
    """A record that becomes a dead letter: a stable code, the field where there is one, and a sentence."""

    code: str
    field: str
    message: str
    report: ReportSubmitted | Withdrawal | None = None
    """Where it decoded: its ids may be told to the submitter."""
    outcome: Outcome = Outcome.REFUSED


class Door(Struct, frozen=True, kw_only=True):
    """What every record of one topic is held against."""

    member: MemberId
    """Whose topic it is: the broker let nobody else write there."""
    bundle: Bundle
    codec: RecordCodec
    directory: Directory | None = None
    """Whose signatures count; None where nothing is verified, as in a set of cases, and nothing need be sealed."""
    opener: Opener | None = None
    """Opens what is sealed to triage; without one nothing is decided about a report that holds such a part."""
    skipped: frozenset[int] = frozenset()
    """Offsets that a named person set aside, because they halted triage."""
    standing: Standing = Standing()
    """What holds at this moment, whatever the bundle says."""
    laps: Laps = UNTIMED
    """How long the steps take with what it lets in."""

    @property
    def standing_bundle(self) -> Bundle:
        """The bundle without those who are barred now."""
        return self.bundle.suspending(self.standing.barred.keys())

    def admit(self, raw: RawRecord) -> Accepted | Rejected:
        """Decode, check and screen one record; only a Temporary failure escapes."""
        if raw.offset in self.skipped:
            return skipped_record()
        try:
            record = self._decoded(raw)
        except Unreadable as failure:
            return Rejected(code=failure.code, field="", message=str(failure))
        try:
            for check in CHECKS:
                check(record, self, raw.timestamp_ms)
        except Refused as failure:
            return Rejected(code=failure.code, field=_field(failure), message=str(failure), report=record)
        origin = origin_of(raw, type(record), self.member, self.directory)
        if code := origin_refusal(origin, signs=self.bundle.members[self.member].signs):
            return Rejected(code=code, field="", message=message(code), report=record)
        if code := _unsealed(record, seals=self.directory is not None and self.bundle.members[self.member].seals):
            return Rejected(code=code, field="sealed", message=message(code), report=record)
        return self._opened(record, origin, raw.timestamp_ms)

    def readmit(self, raw: RawRecord) -> Accepted | Rejected:
        """Decode and screen a record that was admitted before."""
        try:
            record = self._decoded(raw)
        except Unreadable as failure:
            return Rejected(code=failure.code, field="", message=str(failure))
        origin = origin_of(raw, type(record), record.submitter, self.directory)
        return self._opened(record, origin, raw.timestamp_ms)

    def _decoded(self, raw: RawRecord) -> ReportSubmitted | Withdrawal:
        if raw.value is not None and len(raw.value) > MAX_SUBMITTED_BYTES:
            raise Unreadable(
                f"A report has at most {MAX_SUBMITTED_BYTES} bytes, found {len(raw.value)}. Split the report.",
                code="record.too_large",
            )
        record = self.codec.loads(raw.readable(), ReportSubmitted, Withdrawal)
        assert isinstance(record, ReportSubmitted | Withdrawal)  # noqa: S101 -- loads gives one of the types it was asked for
        return record

    def _opened(self, record: ReportSubmitted | Withdrawal, origin: Origin, at_ms: int) -> Accepted | Rejected:
        """Before it is screened: the firewall looks into a personal part as into everything else."""
        if not isinstance(record, ReportSubmitted) or not is_sealed(record.sealed):
            return self._screened(record, origin)
        if self.opener is None:
            return Rejected(code=CLOSED, field="sealed", message=message(CLOSED), report=record)
        try:
            opened = self.opener.report(record, at_ms)
        except Unreadable as failure:
            return Rejected(code=failure.code, field="sealed", message=str(failure), report=record)
        return self._screened(opened, origin)

    def _screened(self, record: ReportSubmitted | Withdrawal, origin: Origin) -> Accepted | Rejected:
        if isinstance(record, ReportSubmitted) and not all(map(is_sound_part, record.sealed)):
            return Rejected(code=_UNSOUND, field="sealed", message=message(_UNSOUND), report=record)
        decided = firewall.decide(record)
        if isinstance(decided, firewall.Stopped):
            return Rejected(code=decided.code, field=decided.field, message=decided.message, report=record)
        cleaned = decided.record
        personal = _personal(cleaned) if isinstance(cleaned, ReportSubmitted) else None
        return Accepted(
            report=cleaned,
            personal=personal,
            findings=decided.findings,
            origin=origin,
            commitments=Commitments(submitted=record) if isinstance(record, ReportSubmitted) else None,
        )


def skipped_record() -> Rejected:
    """A record that a named person set aside: it becomes a dead letter, and another outcome than a refusal."""
    return Rejected(code="triage.skipped", field="", message=message("triage.skipped"), outcome=Outcome.SKIPPED)


class _FieldRefused(Refused):
    def __init__(self, message: str, *, code: str, field: str) -> None:
        super().__init__(message, code=code)
        self.field = field


def _field(failure: Refused) -> str:
    return failure.field if isinstance(failure, _FieldRefused) else ""


def _personal(report: ReportSubmitted) -> PersonalPart | None:
    parts = [part for part in map(personal_part, report.sealed) if part is not None]
    return parts[0] if parts else None


def _unsealed(record: ReportSubmitted | Withdrawal, *, seals: bool) -> str:
    """The code that refuses what a member left open that has agreed to seal, or nothing."""
    parts = record.sealed if seals and isinstance(record, ReportSubmitted) else ()
    return "sealed.not_sealed" if any(part.key_id == NOT_SEALED for part in parts) else ""


def _belongs_to_topic(record: ReportSubmitted | Withdrawal, door: Door, _: int) -> None:
    if record.submitter != door.member:
        raise _FieldRefused(
            f"A report on this topic is {door.member}'s, and names another submitter. Publish as yourself.",
            code="report.wrong_submitter",
            field="submitter",
        )


def _has_reference(record: ReportSubmitted | Withdrawal, _: Door, __: int) -> None:
    if not record.submitter_reference.strip():
        raise _FieldRefused(
            "A report has its submitter's own reference, found none. Give each case one.",
            code="report.reference_missing",
            field="submitter_reference",
        )


def _has_derived_id(record: ReportSubmitted | Withdrawal, _: Door, __: int) -> None:
    if record.report_id != report_id_of(record.submitter, record.submitter_reference):
        raise _FieldRefused(
            "A report's id follows from submitter and reference, and this one does not. Publish with Tocsin.",
            code="report.wrong_id",
            field="report_id",
        )


def _has_revision(record: ReportSubmitted | Withdrawal, _: Door, __: int) -> None:
    """Within what the ledger can count, and before what only the exchange itself may say."""
    if not 1 <= record.revision < RECALLED:
        raise _FieldRefused(
            f"Revisions count from 1 to {RECALLED - 1}, found {record.revision}. Correct it.",
            code="report.wrong_revision",
            field="revision",
        )


def _member_takes_part(record: ReportSubmitted | Withdrawal, door: Door, now_ms: int) -> None:
    member = door.bundle.members.get(record.submitter)
    if member is None or not member.takes_part(day_of(now_ms)):
        raise _FieldRefused(
            "The submitter is an active member, and this one is not. Ask the operator.",
            code="report.member_not_active",
            field="submitter",
        )


def _is_not_suspended(_: ReportSubmitted | Withdrawal, door: Door, now_ms: int) -> None:
    """By the record's own time, so that a replay decides the same."""
    since_ms = door.standing.barred.get(door.member)
    if since_ms is not None and now_ms >= since_ms:
        raise _FieldRefused(
            "The submitter is an active member, and this one is suspended. Call the operator.",
            code="report.member_suspended",
            field="submitter",
        )


def _has_legal_basis(record: ReportSubmitted | Withdrawal, _: Door, __: int) -> None:
    if isinstance(record, ReportSubmitted) and not record.governance.legal_basis:
        raise _FieldRefused(
            "A report names its legal basis, found none. Set it, or have it in your profile.",
            code="report.no_legal_basis",
            field="governance.legal_basis",
        )


def _has_sound_commitment(record: ReportSubmitted | Withdrawal, _: Door, __: int) -> None:
    """Its bytes are bounded to the last one: they are the only ones that the firewall cannot look into."""
    if isinstance(record, ReportSubmitted) and record.commitment and not is_sound(record.commitment):
        raise _FieldRefused(message("origin.commitment"), code="origin.commitment", field="commitment")


def _is_not_from_the_future(record: ReportSubmitted | Withdrawal, _: Door, now_ms: int) -> None:
    for name in _DATES:
        at = getattr(record, name, None)
        if at is not None and at.epoch_ms > now_ms + FUTURE_TOLERANCE_MS:
            raise _FieldRefused(
                f"{name} lies in the past, found a later date. Correct the date or its zone.",
                code="report.date_in_future",
                field=name,
            )


CHECKS: Final[tuple[Callable[[ReportSubmitted | Withdrawal, Door, int], None], ...]] = (
    _belongs_to_topic,
    _has_reference,
    _has_derived_id,
    _has_revision,
    _member_takes_part,
    _is_not_suspended,
    _has_legal_basis,
    _is_not_from_the_future,
    _has_sound_commitment,
)
"""In this order: whose it is comes before what it says."""
