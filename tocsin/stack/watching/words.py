"""What a panel says in words: how it stands, and a number with its unit; pure."""

from collections.abc import Sequence
from typing import Final

from tocsin.stack.watching.asking import Series
from tocsin.stack.watching.panel import Panel, Unit

_SPANS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))
_SIZES: Final = (("GiB", 2**30), ("MiB", 2**20), ("kiB", 2**10))


def standing(panel: Panel, found: tuple[Series, ...] | None) -> tuple[str, str]:
    """How a panel stands, for its look, and a word for whoever sees no colours."""
    if found is None:
        return "broken", "no answer"
    if not found:
        return ("quiet", "nothing yet") if panel.may_be_empty else ("broken", "no data: is anything scraped?")
    if panel.line is None and panel.floor is None:
        return "plain", ""
    return ("kept", "as promised") if all(_holds(panel, one.latest) for one in found) else ("broken", "NOT AS PROMISED")


def _holds(panel: Panel, value: float) -> bool:
    return (panel.line is None or value <= panel.line) and (panel.floor is None or value >= panel.floor)


def figure(value: float, unit: Unit) -> str:
    """A number with its unit, in the largest unit of which there is one."""
    if unit is Unit.SHARE:
        return f"{100 * value:.1f} %"
    if unit is Unit.PER_SECOND:
        return f"{value:.3g} a second"
    if unit is Unit.SECONDS:
        return _scaled(value, _SPANS, "s")
    return _scaled(value, _SIZES, "B") if unit is Unit.BYTES else f"{value:.3g}"


def _scaled(value: float, units: Sequence[tuple[str, int]], smallest: str) -> str:
    name, size = next(((name, size) for name, size in units if abs(value) >= size), (smallest, 1))
    return f"{value / size:.3g} {name}"
