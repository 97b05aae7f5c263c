"""The plot of a comparison, from the figures alone (pure): bars of throughput with their spread, and of latency."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from msgspec import Struct

from benchmarks.drawing import drawing
from benchmarks.peers.page import NAMES, spread
from benchmarks.peers.results import Results
from benchmarks.peers.venvs import LOCKS

_WIDTH, _LEFT, _RIGHT = 760, 190, 110
_ROW, _BAR, _TITLE = 30, 16, 44


class Bar(Struct, frozen=True):
    """One value with what to say at its end; `least` and `most` where several rounds were measured."""

    name: str
    value: float
    said: str
    least: float | None = None
    most: float | None = None


def plot(results: Results) -> str:
    """SVG, legible in a light and in a dark page."""
    rates, waits = _rates(results), _waits(results)
    top = _panel("Reports per second, median of the rounds, line from the slowest to the fastest", rates, 0)
    below = _height(rates)
    bottom = _panel("p99 in milliseconds at 100 reports per second", waits, below)
    height = below + _height(waits)
    title = "Throughput and latency of Tocsin and its peers; the table has the same figures"
    return drawing(title, _WIDTH, height, [*top, *bottom])


def _rates(results: Results) -> list[Bar]:
    found = {peer: spread(runs, lambda run: run.records_per_second) for peer, runs in results.throughput.items()}
    return [
        Bar(NAMES[peer], median, f"{median:.0f}", least, most)
        for peer in LOCKS
        if peer in found
        for least, median, most in (found[peer],)
    ]


def _waits(results: Results) -> list[Bar]:
    found = results.latency
    return [Bar(NAMES[peer], found[peer].p99_ms, f"{found[peer].p99_ms:.0f}") for peer in LOCKS if peer in found]


def _height(bars: Sequence[Bar]) -> int:
    return _TITLE + _ROW * len(bars) + 10


def _panel(title: str, bars: Sequence[Bar], top: int) -> list[str]:
    most = max((bar.most or bar.value for bar in bars), default=1.0)
    scale = (_WIDTH - _LEFT - _RIGHT) / most
    drawn = [_drawn(bar, top + _TITLE + number * _ROW, scale) for number, bar in enumerate(bars)]
    return [f'<text class="title" x="10" y="{top + 26}">{escape(title)}</text>', *drawn]


def _drawn(bar: Bar, top: int, scale: float) -> str:
    middle, end = top + _BAR / 2, _LEFT + scale * (bar.most or bar.value)
    line = ""
    if bar.least is not None and bar.most is not None:
        line = (
            f'<line class="spread" x1="{_LEFT + scale * bar.least:.1f}" x2="{_LEFT + scale * bar.most:.1f}" '
            f'y1="{middle}" y2="{middle}"/>'
        )
    return (
        f'<text x="{_LEFT - 10}" y="{top + 13}" text-anchor="end">{escape(bar.name)}</text>'
        f'<rect class="bar" x="{_LEFT}" y="{top}" width="{scale * bar.value:.1f}" height="{_BAR}"/>'
        f'{line}<text x="{end + 8:.1f}" y="{top + 13}">{escape(bar.said)}</text>'
    )
