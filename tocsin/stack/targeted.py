"""What is said and ruled of a report that an operator acts on: its act in the audit log, its ruling for triage."""

from schemas.records.identifiers import ruling_id_of
from schemas.records.ruling import RECALLED, Ruling, RulingCause
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.ledger.recalling import Target
from tocsin.runtime.ledger.skips import Excuse


def act_on(target: Target, order: Excuse, command: str, what: str) -> Act:
    """Who did what to the report, by which command and why."""
    return Act(
        person=order.by,
        reason=order.reason,
        command=command,
        what=what,
        member=target.submitter,
        report=target.report_id,
    )


def ruling_on(target: Target, order: Excuse, cause: RulingCause, occasion: str) -> Ruling:
    """The same occasion has the same id: said again, it is carried out once."""
    revision = RECALLED if cause is RulingCause.RECALLED else target.revision
    return Ruling(
        ruling_id=ruling_id_of(target.report_id, revision, occasion),
        report_id=target.report_id,
        revision=target.revision,
        submitter=target.submitter,
        submitter_reference=target.submitter_reference,
        mark=target.mark,
        source=target.source,
        cause=cause,
        occasion=occasion,
        decided_by=order.by,
        reason=order.reason,
    )
