"""Writes deploy/grafana/tocsin.json from the list of panels: a dashboard for whoever has Grafana."""

from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, ReduceDataOptions
from grafana_foundation_sdk.builders.dashboard import Dashboard, DatasourceVariable, Row, ThresholdsConfig
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import GraphTresholdsStyleMode, TimeZoneUtc
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

from tocsin.stack.watching.panels import GROUPS, Group, Panel, Shape

FILE: Final = Path(__file__).parents[3] / "deploy" / "grafana" / "tocsin.json"
WINDOW: Final = "$__range"
"""What a promise is judged over: what the reader looks at."""
_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
_COLUMNS: Final = 24
_NUMBER_WIDTH, _LINES_WIDTH, _HEIGHT = 4, 8, 8
_ABOVE_ZERO: Final = 1e-9
_GOOD, _BAD = "green", "red"


def written() -> str:
    """The dashboard as Grafana reads it."""
    board = (
        Dashboard("Tocsin")
        .uid("tocsin")
        .tags(["tocsin", "generated"])
        .description("Written by python -m tocsin.stack.watching.grafana: change tocsin/stack/watching/panels.py.")
        .timezone(TimeZoneUtc)
        .time("now-6h", "now")
        .refresh("30s")
        .with_variable(DatasourceVariable("datasource").type("prometheus").label("Prometheus"))
    )
    for group in GROUPS:
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
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(written(), "utf-8")
