"""What a script is told of a chart: the same lines, dashes and words that the server has drawn; pure."""

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct

from tocsin.stack.watching.asking import Series
from tocsin.stack.watching.panel import Panel
from tocsin.stack.watching.words import figure

DASHES: Final = ("", "6 3", "2 2", "8 3 2 3")
"""Lines are told apart by their dashes and their colours."""
COLOURS: Final = 6


class Line(Struct, frozen=True, kw_only=True):
    """One series; `values` and `said` have a place for each instant, empty where it has nothing to say."""

    name: str
    colour: str
    """A variable of the style sheet, which is another in the dark."""
    dash: tuple[int, ...]
    values: tuple[float | None, ...]
    said: tuple[str, ...]


class Plot(Struct, frozen=True, kw_only=True):
    """All lines of a panel over the same instants, in Unix seconds; the promise lies at its height."""

    title: str
    unit: str
    at: tuple[float, ...]
    lines: tuple[Line, ...]
    promised: float | None
    promise: str


def told(panel: Panel, found: Sequence[Series]) -> str:
    """As JSON; whoever puts it into a page escapes it."""
    instants = tuple(sorted({at for one in found for at, _ in one.points}))
    plot = Plot(
        title=panel.title,
        unit=panel.unit.value,
        at=instants,
        lines=tuple(_line(panel, one, number, instants) for number, one in enumerate(found)),
        promised=panel.line,
        promise="" if panel.line is None else promise(panel),
    )
    return msgspec.json.encode(plot).decode()


def promise(panel: Panel) -> str:
    """The promise of a panel that has one, in words."""
    return f"promised: {figure(panel.line or 0, panel.unit)}"


def _line(panel: Panel, one: Series, number: int, instants: Sequence[float]) -> Line:
    points = dict(one.points)
    values = tuple(points.get(at) for at in instants)
    return Line(
        name=one.name,
        colour=f"--c{number % COLOURS}",
        dash=tuple(map(int, DASHES[number % len(DASHES)].split())),
        values=values,
        said=tuple("" if value is None else figure(value, panel.unit) for value in values),
    )
