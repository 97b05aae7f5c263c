"""The legal map as one page that needs nothing else: overview, filter, sources; printable and plain."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Final

from tocsin.policy.jurisdictions import COLUMNS, Criminalised
from tocsin.policy.legal_map import HEADINGS, WARNING, Cell, Entry

_MARKS: Final = {
    Criminalised.YES: "●",
    Criminalised.PARTLY: "◐",
    Criminalised.NO: "○",
    Criminalised.UNKNOWN: "?",
}
"""Not told apart by colour alone."""


def page(entries: Sequence[Entry], on: date, digest: str) -> str:
    """The whole document."""
    body = "".join(
        (
            _head(on),
            _overview(entries),
            _filter(),
            _table(entries),
            _sources(entries),
            f"<footer><p>{escape(WARNING)}</p><p>As of {on}. Policy bundle {digest[:16]}.</p></footer>",
        )
    )
    title = f"Legal map as of {on}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_part('css')}</style></head><body>{body}<script>{_part('js')}</script>"
        "</body></html>\n"
    )


def _part(kind: str) -> str:
    """Style and script lie beside this file, and go into the page: it must need nothing else."""
    return Path(__file__).with_suffix(f".{kind}").read_text("utf-8")


def _head(on: date) -> str:
    return (
        f'<header><h1>Legal map</h1><p class="warning" role="note">{escape(WARNING)}</p>'
        f"<p>What the law of each jurisdiction says of kinds of material, as of {on}. "
        "● criminalised, ◐ partly or disputed, ○ not, ? not known; a question mark behind a value is a guess.</p>"
        "</header>"
    )


def _overview(entries: Sequence[Entry]) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{HEADINGS[column]}</th>{_counts(entries, number)}</tr>"
        for number, column in enumerate(COLUMNS)
    )
    heads = "".join(f"<th scope='col'>{mark} {value.value}</th>" for value, mark in _MARKS.items())
    tiles = "".join(_tile(entry) for entry in entries)
    return (
        f"<section><h2>Overview</h2><p>{len(entries)} jurisdictions; none of their rows that is marked unverified "
        "makes anything lawful here.</p>"
        f"<table><thead><tr><th scope='col'>material</th>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        f"<h3>Realistic synthetic material, by country</h3><ul class='tiles'>{tiles}</ul></section>"
    )


def _counts(entries: Sequence[Entry], number: int) -> str:
    counts = Counter(entry.cells[number].value for entry in entries if entry.cells)
    return "".join(f"<td>{counts[value]}</td>" for value in _MARKS)


def _tile(entry: Entry) -> str:
    value = entry.law.realistic_synthetic if entry.law else Criminalised.UNKNOWN
    country = entry.jurisdiction
    label = f"{country.name}: {value.value}"
    link = f"<a href='#{country.code}' title='{escape(label)}'>{country.country} {_MARKS[value]}</a>"
    return f"<li class='{value.value}'>{link}</li>"


def _filter() -> str:
    columns = "".join(f"<option value='{column}'>{HEADINGS[column]}</option>" for column in COLUMNS)
    values = "".join(f"<option value='{value.value}'>{value.value}</option>" for value in _MARKS)
    return (
        "<form class='filter' hidden><label>Country <input type='search' name='name'></label> "
        f"<label>Material <select name='column'><option value=''>any</option>{columns}</select></label> "
        f"<label>says <select name='value'><option value=''>anything</option>{values}</select></label> "
        "<output></output></form>"
    )


def _table(entries: Sequence[Entry]) -> str:
    heads = "".join(f"<th scope='col'>{HEADINGS[column]}</th>" for column in COLUMNS)
    rows = "".join(_row(entry) for entry in entries)
    return (
        "<section><h2>By jurisdiction</h2><table id='map'><thead><tr><th scope='col'>jurisdiction</th>"
        f"{heads}<th scope='col'>child below</th><th scope='col'>consent</th><th scope='col'>hotline</th>"
        "<th scope='col'>since</th><th scope='col'>confidence</th><th scope='col'>source and note</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _row(entry: Entry) -> str:
    law, country = entry.law, entry.jurisdiction
    cells = "".join(_cell(cell) for cell in entry.cells) or f"<td colspan='{len(COLUMNS)}'>no row for this day</td>"
    data = "".join(f" data-{cell.column.replace('_', '-')}='{cell.value.value}'" for cell in entry.cells)
    told = (
        (str(law.age_limit), str(law.age_of_consent or "?"), entry.hotline(), str(law.valid_from))
        if law
        else ("", "", entry.hotline(), "")
    )
    note = f"{entry.sources()}. {law.note}" if law and law.note else entry.sources()
    standing = f"{entry.standing()}, {law.confidence}" if law else entry.standing()
    rest = "".join(f"<td>{escape(text)}</td>" for text in (*told, standing, note))
    name = f"{escape(country.name)} ({', '.join((country.country, *country.aliases))})"
    searched = f"{escape(country.name.lower())} {country.country.lower()}"
    return f"<tr id='{country.code}' data-name='{searched}'{data}><th scope='row'>{name}</th>{cells}{rest}</tr>"


def _cell(cell: Cell) -> str:
    return f"<td class='{cell.value.value}'>{_MARKS[cell.value]} {escape(cell.text())}</td>"


def _sources(entries: Sequence[Entry]) -> str:
    items = "".join(f"<li>{escape(source)}</li>" for source in _distinct(entries))
    return (
        f"<section><h2>Sources</h2><p>S numbers are those of the project's domain facts.</p><ul>{items}</ul></section>"
    )


def _distinct(entries: Sequence[Entry]) -> Iterator[str]:
    yield from sorted({entry.sources() for entry in entries if entry.sources()})
