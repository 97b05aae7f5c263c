"""Valid rulings: a test names only what it is about."""

from typing import Any

from schemas.records.identifiers import ruling_id_of
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.values import Coordinate


def a_ruling(report: ReportSubmitted, source: Coordinate, **changes: Any) -> Ruling:
    """A repair that decides a report again; its id follows from the occasion."""
    occasion = changes.get("occasion", "repair")
    values: dict[str, Any] = {
        "ruling_id": ruling_id_of(report.report_id, report.revision, occasion),
        "report_id": report.report_id,
        "revision": report.revision,
        "submitter": report.submitter,
        "source": source,
        "cause": RulingCause.REROUTE,
        "occasion": occasion,
        "decided_by": "anna",
        "reason": "a test",
    }
    return Ruling(**(values | changes))
