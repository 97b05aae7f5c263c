"""Writes deploy/grafana/ from the lists of panels: a dashboard of the exchange, and one of a member that is chosen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, ReduceDataOptions
from grafana_foundation_sdk.builders.dashboard import (
    Dashboard,
    DatasourceVariable,
    QueryVariable,
    Row,
    ThresholdsConfig,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphTresholdsStyleMode, TimeZoneUtc
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode, VariableRefresh

from tocsin.stack.watching import member_panels
from tocsin.stack.watching.panel import Group, Panel, Shape
from tocsin.stack.watching.panels import GROUPS

FOLDER: Final = Path(__file__).parents[3] / "deploy" / "grafana"
WINDOW: Final = "$__range"
"""What a promise is judged over: what the reader looks at."""
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_COLUMNS: Final = 24
_NUMBER_WIDTH, _LINES_WIDTH, _HEIGHT = 4, 8, 8
_ABOVE_ZERO: Final = 1e-9
_GOOD, _BAD = "green", "red"


def of_exchange() -> str:
    """The dashboard of all, as Grafana reads it."""
    return _encoded(_board("Tocsin", "tocsin"), GROUPS)


def of_member() -> str:
    """The same for one member; Grafana puts its name where a query says $member."""
    board = _board("Tocsin: a member", "tocsin-member").with_variable(
        QueryVariable("member")
        .label("Member")
        .datasource(_SOURCE)
        .query(f"query_result({member_panels.MEMBERS.query})")
        .regex('/member="([^"]+)"/')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    return _encoded(board, member_panels.GROUPS)


FILES: Final = {FOLDER / "tocsin.json": of_exchange, FOLDER / "tocsin-member.json": of_member}


def _board(title: str, uid: str) -> Dashboard:
    return (
        Dashboard(title)
        .uid(uid)
        .tags(["tocsin", "generated"])
        .description("Written by python -m tocsin.stack.watching.grafana: change tocsin/stack/watching/*panels.py.")
        .timezone(TimeZoneUtc)
        .time("now-6h", "now")
        .refresh("30s")
        .with_variable(DatasourceVariable("datasource").type("prometheus").label("Prometheus"))
    )


def _encoded(board: Dashboard, groups: Sequence[Group]) -> str:
    for group in groups:
        board = _with_group(board, group)
    return JSONEncoder(sort_keys=True, indent=1).encode(board.build()) + "\n"


def _with_group(board: Dashboard, group: Group) -> Dashboard:
    board = board.with_row(Row(f"{group.title}: {group.asks}"))
    for panel in group.panels:
        board = board.with_panel(_number(panel) if panel.shape is Shape.NUMBER else _lines(panel))
    return board


def _number(panel: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .title(panel.title)
        .description(panel.says)
        .datasource(_SOURCE)
        .unit(panel.unit.value)
        .no_value("none")
        .height(_HEIGHT)
        .span(_NUMBER_WIDTH)
        .reduce_options(ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(_thresholds(panel))
        .with_target(_target(panel))
    )


def _lines(panel: Panel) -> timeseries.Panel:
    drawn = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.says)
        .datasource(_SOURCE)
        .unit(panel.unit.value)
        .min(0)
        .no_value("none")
        .height(_HEIGHT)
        .span(_LINES_WIDTH)
        .with_target(_target(panel))
    )
    if panel.line is None:
        return drawn
    style = GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.LINE)
    return drawn.thresholds(_thresholds(panel)).thresholds_style(style)


def _target(panel: Panel) -> prometheus.Dataquery:
    query = prometheus.Dataquery().expr(panel.query.replace("$window", WINDOW)).legend_format(panel.legend or "value")
    return query.instant() if panel.shape is Shape.NUMBER else query


def _thresholds(panel: Panel) -> ThresholdsConfig:
    """Red is on the wrong side of a promise; a line at 0 is crossed by the first one, so that 0 itself is good."""
    steps = [Threshold(value=None, color=_GOOD)]
    if panel.floor is not None:
        steps = [Threshold(value=None, color=_BAD), Threshold(value=panel.floor, color=_GOOD)]
    elif panel.line is not None:
        steps.append(Threshold(value=panel.line or _ABOVE_ZERO, color=_BAD))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for _file, _written in FILES.items():
        _file.write_text(_written(), "utf-8")
