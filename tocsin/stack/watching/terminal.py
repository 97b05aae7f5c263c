"""Promises, flow and backlog as a terminal shows them: a table a group, from the list of panels; pure."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from tocsin.stack.watching.asking import Answers, Period, Series
from tocsin.stack.watching.panel import Group, Panel, Shape
from tocsin.stack.watching.panels import GROUPS
from tocsin.stack.watching.words import figure, standing

SHOWN: Final = tuple(group for group in GROUPS if group.title in ("Promises", "Flow", "What waits"))
"""What changes while one looks; the rest is on the ops page."""
MOST_LINES: Final = 4
"""Of one panel; more are counted."""
_STEPS: Final = "▁▂▃▄▅▆▇█"
_POINTS: Final = 24
_LOOKS: Final = {"kept": "green", "broken": "bold red", "quiet": "dim", "plain": ""}


def frame(answers: Answers, period: Period) -> Stack:
    """Everything that fits under one instant; every state is a word as well as a colour."""
    at = datetime.fromtimestamp(period.until_seconds, UTC)
    away = sum(found is None for found in answers.values())
    head = Text(f"Tocsin, {at:%Y-%m-%d %H:%M:%S} UTC, of {period.hours} h", style="bold")
    if away:
        head.append(f"  Prometheus did not answer for {away} panels: what is missing is not good.", style="bold red")
    return Stack(head, *(_table(group, answers) for group in SHOWN))


def _table(group: Group, answers: Answers) -> Table:
    table = Table(title=f"{group.title}: {group.asks}", title_justify="left", expand=True, show_header=False, box=None)
    for ratio in (5, 2, 3, 3):
        table.add_column(ratio=ratio, overflow="ellipsis", no_wrap=True)
    for panel in group.panels:
        for row in _rows(panel, answers.get(panel.title)):
            table.add_row(*row)
    return table


def _rows(panel: Panel, found: tuple[Series, ...] | None) -> Iterator[tuple[Text, ...]]:
    state, said = standing(panel, found)
    word = Text(said, style=_LOOKS[state])
    if panel.shape is Shape.NUMBER or not found:
        told = figure(found[0].latest, panel.unit) if found else "none"
        yield Text(panel.title), Text(told), Text(""), word
        return
    yield Text(panel.title), Text(""), Text(""), word
    for one in found[:MOST_LINES]:
        yield Text(f"  {printable(one.name)}"), Text(figure(one.latest, panel.unit)), Text(sparkline(one)), Text("")
    if len(found) > MOST_LINES:
        yield Text(f"  and {len(found) - MOST_LINES} more"), Text(""), Text(""), Text("")


def printable(name: str) -> str:
    """Without what would move somebody's cursor: names of series are what others chose."""
    return "".join(sign if sign.isprintable() else "?" for sign in name)


def sparkline(one: Series) -> str:
    """Its newest points as bars between nothing and its highest."""
    values: Sequence[float] = [max(0.0, value) for _, value in one.points[-_POINTS:]]
    top = max(values) or 1.0
    return "".join(_STEPS[min(len(_STEPS) - 1, int(value / top * len(_STEPS)))] for value in values)
