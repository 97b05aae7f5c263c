"""The ops page: promises first, every number in words, charts that need no script and are drawn again by one; pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Final

from msgspec import Struct

from tocsin.stack.watching.asking import Answers, Period, Series
from tocsin.stack.watching.panel import Group, Panel, Shape
from tocsin.stack.watching.panels import GROUPS
from tocsin.stack.watching.plotted import COLOURS, DASHES, promise, told
from tocsin.stack.watching.uplot import SCRIPT as UPLOT
from tocsin.stack.watching.uplot import STYLE as UPLOT_STYLE
from tocsin.stack.watching.words import figure, standing

_WIDTH, _HEIGHT = 320, 90
HOURS: Final = (1, 6, 24, 168)


class View(Struct, frozen=True, kw_only=True):
    """What one page is of: its title, its panels, where the others begin, the members that have one, and whether uPlot
    draws its charts again: below which path its files are."""

    title: str = "Tocsin"
    groups: tuple[Group, ...] = GROUPS
    root: str = ""
    members: tuple[str, ...] = ()
    uplot: str = ""


_ALL: Final = View()


def page(answers: Answers, period: Period, view: View = _ALL) -> str:
    """The whole document."""
    title = escape(view.title)
    at = datetime.fromtimestamp(period.until_seconds, UTC)
    links = "".join(_link(hours, period.hours) for hours in HOURS)
    groups = "".join(_group(group, answers, number, view) for number, group in enumerate(view.groups))
    away = sum(found is None for found in answers.values())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{_linked(view)}<title>{title}</title></head>"
        f'<body><a class="skip" href="#main">To the promises</a><header><h1>{title}</h1>'
        f"<p id='as-of' role='status'>As of <time datetime='{at:%Y-%m-%dT%H:%M:%SZ}'>{at:%Y-%m-%d %H:%M:%S} UTC</time>"
        f".</p><p><a href='?hours={period.hours}'>Read again</a> <button id='again' type='button' hidden></button></p>"
        f"<nav aria-label='Period'>{links}</nav>{_members(view, period)}</header>"
        f"<main id='main'>{_warning(away)}{groups}</main></body></html>\n"
    )


def _linked(view: View) -> str:
    """Styles and scripts, in the order in which they need one another."""
    root = escape(view.root, quote=True)
    own = f'<link rel="stylesheet" href="{root}style.css"><script src="{root}again.js" defer></script>'
    if not view.uplot:
        return own
    library = f"{root}{view.uplot}"
    styles = f'<link rel="stylesheet" href="{library}{UPLOT_STYLE}">'
    scripts = f'<script src="{library}{UPLOT}" defer></script><script src="{root}charts.js" defer></script>'
    return styles + own + scripts


def _members(view: View, period: Period) -> str:
    """A page for each, and the way back from it."""
    back = f"<a href='{view.root}?hours={period.hours}'>All</a> " if view.root else ""
    links = "".join(
        f"<a href='{view.root}member/{escape(name, quote=True)}?hours={period.hours}'>{escape(name)}</a> "
        for name in view.members
    )
    return f"<nav aria-label='Members'>{back}{links}</nav>" if back or links else ""


def _warning(away: int) -> str:
    if not away:
        return ""
    return (
        f"<p class='broken' role='alert'>Prometheus did not answer for {away} panels: what is missing is not good.</p>"
    )


def _link(hours: int, shown: int) -> str:
    name = f"{hours} h" if hours < 48 else f"{hours // 24} days"  # noqa: PLR2004 -- two days
    current = " aria-current='page'" if hours == shown else ""
    return f"<a href='?hours={hours}'{current}>{name}</a> "


def _group(group: Group, answers: Answers, number: int, view: View) -> str:
    panels = "".join(_panel(panel, answers.get(panel.title), view) for panel in group.panels)
    return (
        f"<section aria-labelledby='g{number}'><h2 id='g{number}'>{escape(group.title)}</h2>"
        f"<p>{escape(group.asks)}</p><div class='panels'>{panels}</div></section>"
    )


def _panel(panel: Panel, found: tuple[Series, ...] | None, view: View) -> str:
    state, said = standing(panel, found)
    body = _number(panel, found or ()) if panel.shape is Shape.NUMBER else _lines(panel, found or (), view)
    return (
        f"<article class='{panel.shape.value} {state}'><h3>{escape(panel.title)}</h3>{body}"
        f"<p class='standing'>{escape(said)}</p><p class='says'>{escape(panel.says)}</p></article>"
    )


def _number(panel: Panel, found: Sequence[Series]) -> str:
    latest = figure(found[0].latest, panel.unit) if found else "none"
    return f"<p class='figure'>{latest}</p>"


def _lines(panel: Panel, found: Sequence[Series], view: View) -> str:
    if not found:
        return "<p class='figure'>none</p>"
    rows = "".join(
        f"<tr><th scope='row'>{_key(number)} {escape(one.name)}</th><td>{figure(one.latest, panel.unit)}</td></tr>"
        for number, one in enumerate(found)
    )
    caption = f"<caption>{escape(panel.title)}, latest values</caption>"
    plot = f" data-plot='{escape(told(panel, found), quote=True)}'" if view.uplot else ""
    return f"{_chart(panel, found, plot)}<table>{caption}<tbody>{rows}</tbody></table>"


def _key(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    return (
        "<svg class='key' width='28' height='8' aria-hidden='true'>"
        f"<line x2='28' y1='4' y2='4' class='c{number % COLOURS}' stroke-dasharray='{dash}'/></svg>"
    )


def _chart(panel: Panel, found: Sequence[Series], plot: str) -> str:
    """All series in one picture; the table below says the same to whoever does not see it."""
    instants = [at for one in found for at, _ in one.points]
    first, last = min(instants), max(instants)
    top = max([value for one in found for _, value in one.points] + [panel.line or 0]) or 1.0
    across, up = _WIDTH / max(last - first, 1), _HEIGHT / top

    scale = Scale(first=first, across=across, up=up)
    lines = "".join(_line(number, one, scale) for number, one in enumerate(found))
    promised = "" if panel.line is None else _promised(panel, _HEIGHT - panel.line * up)
    return (
        f"<svg class='chart' viewBox='0 -4 {_WIDTH} {_HEIGHT + 8}' role='img'{plot} "
        f"aria-label='{escape(panel.title, quote=True)}, at most {figure(top, panel.unit)}'>{lines}{promised}</svg>"
    )


class Scale(Struct, frozen=True, kw_only=True):
    """How instants and values become places."""

    first: float
    across: float
    up: float


def _line(number: int, one: Series, scale: Scale) -> str:
    places = ((at - scale.first) * scale.across for at, _ in one.points)
    heights = (_HEIGHT - value * scale.up for _, value in one.points)
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(places, heights, strict=True))
    look = f"class='c{number % COLOURS}' stroke-dasharray='{DASHES[number % len(DASHES)]}'"
    return f"<polyline {look} points='{points}'/>"


def _promised(panel: Panel, y: float) -> str:
    return f"<line class='promised' x2='{_WIDTH}' y1='{y:.1f}' y2='{y:.1f}'><title>{promise(panel)}</title></line>"


STYLE: Final = Path(__file__).with_suffix(".css")
SCRIPT: Final = Path(__file__).with_suffix(".js")
CHARTS: Final = Path(__file__).with_name("charts.js")
