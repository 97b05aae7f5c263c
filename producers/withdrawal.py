"""Taking a report back: a Withdrawal that stands as the next revision, on the topic of the report."""

from msgspec import Struct

from producers.journal import entries
from producers.journal.entries import Entry, Latest
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.report import Withdrawal
from schemas.records.values import Instant, Mark, Text
from schemas.screening import screen
from tocsin.runtime.envelope import Envelope


class Plea(Struct, frozen=True, kw_only=True):
    """What a person asks for; the reason is a code of vocabularies/withdrawal_reason."""

    reference: str
    reason_code: str
    text: str = ""


def withdrawal_of(plea: Plea, known: Latest | None, member: MemberId, now_ms: int) -> Withdrawal:
    """The record; raises Refused where nothing was published, or it was taken back already."""
    if known is None:
        raise Refused(message("report.reference_unknown"), code="report.reference_unknown")
    if known.kind == entries.WITHDRAWAL:
        raise Refused(message("report.already_withdrawn"), code="report.already_withdrawn")
    withdrawal = Withdrawal(
        report_id=report_id_of(member, plea.reference),
        submitter=member,
        submitter_reference=plea.reference,
        revision=known.revision + 1,
        mark=Mark(known.mark),
        withdrawn_at=Instant(epoch_ms=now_ms),
        reason_code=plea.reason_code,
        reason=Text(text=plea.text) if plea.text else None,
    )
    screened = screen(withdrawal)
    if screened.findings:
        rule = screened.findings[0].rule
        raise Refused(message(rule, length=screened.findings[0].length), code=rule)
    return withdrawal


def entry_of(withdrawal: Withdrawal, known: Latest, envelope: Envelope) -> Entry:
    """As it goes into the journal: behind the report that it takes back, on the same topic."""
    at_ms = withdrawal.withdrawn_at.epoch_ms
    wrapped = envelope.wrap(withdrawal, f"{withdrawal.report_id}/{withdrawal.revision}", at_ms)
    return Entry(
        reference=withdrawal.submitter_reference,
        revision=withdrawal.revision,
        report_id=withdrawal.report_id,
        kind=entries.WITHDRAWAL,
        mark=withdrawal.mark,
        digest="",
        topic=known.topic,
        value=wrapped.value,
        headers=wrapped.headers,
        intended_ms=at_ms,
    )
