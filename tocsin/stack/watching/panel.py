"""What a panel is made of: a title, its meaning, a query, a unit, and where a promise lies."""

from enum import StrEnum

from msgspec import Struct


class Unit(StrEnum):
    """What a number is of, in Grafana's words."""

    COUNT = "short"
    PER_SECOND = "cps"
    SECONDS = "s"
    SHARE = "percentunit"
    BYTES = "bytes"


class Shape(StrEnum):
    """A number that is asked for now, or lines over time."""

    NUMBER = "number"
    LINES = "lines"


class Panel(Struct, frozen=True, kw_only=True):
    """One thing to look at; `{{label}}` of a legend stands for the value of that label."""

    title: str
    says: str
    """What it means, and what is good."""
    query: str
    unit: Unit = Unit.COUNT
    shape: Shape = Shape.LINES
    legend: str = ""
    line: float | None = None
    """Where a promise lies: above it, it is broken."""
    floor: float | None = None
    """The same for what has to be at least so much."""
    may_be_empty: bool = False
    """No data is good: nothing of that kind has happened."""


class Group(Struct, frozen=True, kw_only=True):
    """Panels that answer one question."""

    title: str
    asks: str
    panels: tuple[Panel, ...]
