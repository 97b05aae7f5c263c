"""Figures as one page to publish: it needs nothing else, prints, and says what each figure is; pure."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Final

from tocsin.cli.measuring.definitions import MEASURES
from tocsin.cli.measuring.figures import Figures, Row, Table
from tocsin.cli.measuring.objectives import Objective, Progress
from tocsin.cli.measuring.wording import NOT_KNOWN, figure, first_figure, standing

_STYLE: Final = Path(__file__).with_name("page.css")

Measured = Sequence[tuple[Objective, Sequence[Progress]]]


def page(now: Figures, before: Figures | None, objectives: Measured) -> str:
    """The whole document."""
    title = f"Tocsin, {now.months.text()}"
    parts = (
        f"<header><h1>{escape(title)}</h1><p>{escape(described(now, before))}</p></header>",
        "".join(_objective(*one) for one in objectives),
        "".join(_table(table, now, before) for table in now.tables),
        _definitions(),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE.read_text('utf-8')}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def described(now: Figures, before: Figures | None) -> str:
    """What the figures are of, and what is left out."""
    compared = f" Compared with {before.months.text()}." if before else ""
    law = now.law_verified_share
    checked = "" if law is None else f" A lawyer has checked {100 * law:.0f} % of the legal map's rows."
    return (
        f"Months in {now.zone}, figures as of {now.made_at:%Y-%m-%d %H:%M} {now.zone}. Tests and drills are left out. "
        f"Groups of under {now.smallest} reports are not shown, nor figures from under {now.smallest} cases. "
        f"Reports that are erased by now are counted.{compared}{checked}"
    )


def _objective(objective: Objective, results: Sequence[Progress]) -> str:
    rows = "".join(_result(one) for one in results)
    name = escape(objective.name)
    return (
        f"<section><h2>{name}</h2><p>Owner: {escape(objective.owner)}</p>"
        f"<div class='wide' tabindex='0' role='region' aria-label='{name}'>"
        "<table><thead><tr><th scope='col'>figure</th><th scope='col'>at the beginning</th><th scope='col'>now</th>"
        "<th scope='col'>target</th><th scope='col'>until</th><th scope='col'>owner</th><th scope='col'>standing</th>"
        f"</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _result(one: Progress) -> str:
    name = one.result.measure
    group = ", ".join(f"{key} {value}" for key, value in one.result.group.items())
    cells = (
        figure(name, one.before),
        figure(name, one.now),
        figure(name, one.result.target),
        one.result.by.isoformat(),
        one.result.owner,
        standing(one),
    )
    head = f"{MEASURES[name].heading}{f' ({group})' if group else ''}"
    return f"<tr><th scope='row'>{escape(head)}</th>{_cells(cells)}</tr>"


def _table(table: Table, now: Figures, before: Figures | None) -> str:
    heads = "".join(f"<th scope='col'>{escape(name)}</th>" for name in (*table.by, *_headings()))
    rows = "".join(_row(row, table, now, before) for row in table.rows)
    caption = f"By {', '.join(table.by)}" if table.by else "All reports"
    return (
        f"<section><h2>{escape(caption)}</h2><div class='wide' tabindex='0' role='region' aria-label='{caption}'>"
        f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _row(row: Row, table: Table, now: Figures, before: Figures | None) -> str:
    keys = "".join(f"<th scope='row'>{escape(value)}</th>" for value in row.key)
    group = dict(zip(table.by, row.key, strict=True))
    told = [first_figure(row, now.smallest)]
    told += [figure(name, row.values[name]) for name in list(MEASURES)[1:]]
    if before is None:
        return f"<tr>{keys}{_cells(told)}</tr>"
    earlier = [figure(name, before.value(name, group)) for name in MEASURES]
    both = [f"{one} (was {old})" if old != NOT_KNOWN else one for one, old in zip(told, earlier, strict=True)]
    return f"<tr>{keys}{_cells(both)}</tr>"


def _cells(told: Iterable[str]) -> str:
    return "".join(f"<td>{escape(one)}</td>" for one in told)


def _headings() -> tuple[str, ...]:
    return tuple(measure.heading for measure in MEASURES.values())


def _definitions() -> str:
    rows = "".join(f"<dt>{escape(one.heading)}</dt><dd>{escape(one.sentence)}</dd>" for one in MEASURES.values())
    return f"<section><h2>What each figure is</h2><dl>{rows}</dl></section>"
