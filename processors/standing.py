"""What holds of a report at this moment, put on what was decided: notices that wait, reports only kept; pure."""

from typing import Final

from msgspec.structs import replace

from processors.decision import Proposed
from processors.index.port import Knowledge
from processors.steps.route.rules import Route
from schemas.records.identifiers import ReportId
from schemas.records.triage import RouteRefusal
from tocsin.runtime.ledger.standings import Standing

RESTRICTED: Final = "route.restricted"
_KEPT: Final = Route(refusals=(RouteRefusal(rule=RESTRICTED),))
"""Nobody gets it and nobody is asked: whoever has it gives it up, until the restriction is lifted."""


def under(proposed: Proposed, standing: Standing) -> Proposed:
    """The proposal as it has to be carried out now."""
    report = proposed.report.report_id
    if report in standing.restricted:
        return replace(proposed, route=_KEPT)
    return replace(proposed, held=True) if report in standing.held else proposed


def as_claimed(standing: Standing, report: ReportId, claimed: Knowledge) -> Standing:
    """What holds of a later revision: a restriction may have been written, or lifted, since its slice was decided."""
    if claimed.is_restricted is (report in standing.restricted):
        return standing
    return replace(standing, restricted=standing.restricted ^ {report})


def is_restricted(route: Route) -> bool:
    """Whether the report is only kept, so that no person may route it either."""
    return route == _KEPT
