"""A later revision, and what recipients found out about its items before it came; pure."""

from msgspec.structs import replace

from processors.amending import amended
from processors.examined import Decided, Examined
from processors.intake import Accepted
from schemas.records.identifiers import ReportId
from schemas.records.report import ReportSubmitted
from tocsin.runtime.ledger.amendments import Amendments


def revised(decided: Decided) -> list[ReportId]:
    """The reports of which this slice has a later revision."""
    return [entry.accepted.report.report_id for entry in decided.examined if entry.accepted is not None]


def remembering(entry: Examined, found: Amendments) -> Accepted | None:
    """The revision with the latest word on its items, or None where nothing was found out about them."""
    accepted = entry.accepted
    if accepted is None or not isinstance(accepted.report, ReportSubmitted):
        return None
    known = found.get(accepted.report.report_id)
    return replace(accepted, report=amended(accepted.report, known)) if known else None
