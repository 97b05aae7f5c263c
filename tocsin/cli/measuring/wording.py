"""Figures as people read them."""

from typing import Final

from tocsin.cli.measuring.definitions import COUNT, MEASURES, SCORE, SECONDS
from tocsin.cli.measuring.figures import Row
from tocsin.cli.measuring.objectives import Progress

NOT_KNOWN: Final = "-"
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))


def figure(name: str, value: float | None) -> str:
    """With its unit; a dash where it is not known or not shown."""
    if value is None:
        return NOT_KNOWN
    unit = MEASURES[name].unit
    if unit == SECONDS:
        return duration(value)
    if unit == COUNT:
        return f"{value:.0f}"
    return f"{value:.0f} of 100" if unit == SCORE else f"{100 * value:.0f} %"


def duration(seconds: float) -> str:
    """In the largest unit of which there are at least two."""
    unit, length = next(((unit, length) for unit, length in _UNITS if seconds >= 2 * length), ("s", 1))
    return f"{seconds / length:.1f} {unit}"


def first_figure(row: Row, smallest: int) -> str:
    """How many reports; of a group that is not shown, only that there are few."""
    return f"under {smallest}, or hidden with one" if row.is_hidden else figure("reports", row.values["reports"])


def standing(found: Progress) -> str:
    """Where a key result stands, in words."""
    if found.part is None:
        return "not known yet" if not found.is_late else "NOT KNOWN, and its day is past"
    if found.part >= 1:
        return "reached"
    back = "went back" if found.part < 0 else f"{100 * found.part:.0f} % of the way"
    return f"{back}, LATE" if found.is_late else back
