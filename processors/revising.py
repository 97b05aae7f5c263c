"""A later revision, and what recipients found out about its items before it came; pure."""

from msgspec.structs import replace

from processors.amending import amended
from processors.examined import Examined
from processors.intake import Accepted
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Amendment


def remembering(entry: Examined, found_out: tuple[Amendment, ...]) -> Accepted | None:
    """The revision with the latest word on its items, or None where nothing was found out about them."""
    accepted = entry.accepted
    if accepted is None or not isinstance(accepted.report, ReportSubmitted) or not found_out:
        return None
    return replace(accepted, report=amended(accepted.report, found_out))
