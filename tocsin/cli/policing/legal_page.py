"""The legal map as one page that needs nothing else: maps of tiles, filter, sources; printable and plain.

Every printed page says that it is starting data: the sheets each begin with it, and the head of a table repeats.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from html import escape
from pathlib import Path
from typing import Final

from tocsin.cli.policing.world import PLACES
from tocsin.policy.jurisdictions import COLUMNS, Criminalised, Network
from tocsin.policy.legal_map import FACTS, HEADINGS, UNVERIFIED, WARNING, Cell, Entry

_MARKS: Final = {
    Criminalised.YES: "●",
    Criminalised.PARTLY: "◐",
    Criminalised.NO: "○",
    Criminalised.UNKNOWN: "?",
}
"""Not told apart by colour alone."""
_VALUES: Final = {
    Criminalised.YES: "criminalised",
    Criminalised.PARTLY: "partly or disputed",
    Criminalised.NO: "not criminalised",
    Criminalised.UNKNOWN: "not known",
}
_HOTLINES: Final = {
    Network.INHOPE: "in the network",
    Network.NONE: "none known",
    Network.UNKNOWN: "not known",
}
_WARNING: Final = f'<p class="warning" role="note">{escape(WARNING)}</p>'


def page(entries: Sequence[Entry], on: date, digest: str) -> str:
    """The whole document."""
    title = f"Legal map as of {on}"
    parts = (_overview(entries, title), _worlds(entries), _filter(), _table(entries), _sources(entries, digest))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_part('css')}</style></head><body>{''.join(parts)}"
        f"<script>{_part('js')}</script></body></html>\n"
    )


def _part(kind: str) -> str:
    """Style and script lie beside this file, and go into the page: it must need nothing else."""
    return Path(__file__).with_suffix(f".{kind}").read_text("utf-8").replace("WARNING", WARNING)


def _overview(entries: Sequence[Entry], title: str) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{HEADINGS[column]}</th>{_counts(entries, number)}</tr>"
        for number, column in enumerate(COLUMNS)
    )
    heads = "".join(f"<th scope='col'>{mark} {_VALUES[value]}</th>" for value, mark in _MARKS.items())
    unverified = sum(entry.standing() == UNVERIFIED for entry in entries)
    hotlines = sum(entry.network() is Network.INHOPE for entry in entries)
    return (
        f"<header class='sheet'><h1>{title}</h1>{_WARNING}"
        "<p>What the law of each jurisdiction says of kinds of material, how sure that is, and where it comes from.</p>"
        f"<p><b>{len(entries)}</b> jurisdictions, <b>{hotlines}</b> with a hotline in the network. "
        f"<b>{unverified}</b> rows are {UNVERIFIED}: no lawyer has checked them. "
        "Such a row may raise a flag; it makes nothing lawful, withholds nothing and lowers no tier.</p>"
        "<table class='counts'><caption>Jurisdictions by what they say</caption><thead><tr>"
        f"<th scope='col'>material</th>{heads}</tr></thead><tbody>{rows}</tbody></table></header>"
    )


def _counts(entries: Sequence[Entry], number: int) -> str:
    counts = Counter(entry.cells[number].value if entry.cells else Criminalised.UNKNOWN for entry in entries)
    return "".join(f"<td class='{value.value}'>{counts[value]}</td>" for value in _MARKS)


def _worlds(entries: Sequence[Entry]) -> str:
    maps = "".join(_world(entries, number, column) for number, column in enumerate(COLUMNS))
    return (
        f"<section class='sheet' aria-label='World overview'><h2>World overview</h2>{_WARNING}"
        "<p class='key'>● criminalised, ◐ partly or disputed, ○ not criminalised, ? not known. A dashed tile is "
        f"{UNVERIFIED}. Tiles of one size, neighbours near each other; the map draws no borders.</p>"
        f"<div class='worlds'>{maps}</div></section>"
    )


def _world(entries: Sequence[Entry], number: int, column: str) -> str:
    tiles = "".join(_tile(entry, number) for entry in entries)
    return (
        f"<figure data-column='{column}'><figcaption>{HEADINGS[column]}</figcaption>"
        f"<ul class='world'>{tiles}</ul></figure>"
    )


def _tile(entry: Entry, number: int) -> str:
    """One country at its place; one without a place comes after the map."""
    cell = entry.cells[number] if entry.cells else None
    value = cell.value if cell else Criminalised.UNKNOWN
    country, place = entry.jurisdiction, PLACES.get(entry.jurisdiction.country)
    says = f"{country.name}: {cell.text() if cell else 'no row'}, {entry.standing()}"
    where = f" style='grid-area:{place[0]}/{place[1]}'" if place else ""
    standing = "verified" if entry.standing() == "verified" else "unverified"
    doubt = "?" if cell and cell.doubtful and value is not Criminalised.UNKNOWN else ""
    link = f"<a href='#{country.code}' title='{escape(says, quote=True)}'>{country.country}"
    return f"<li class='{value.value} {standing}'{where}>{link}<i>{_MARKS[value]}{doubt}</i></a></li>"


def _filter() -> str:
    columns = "".join(f"<option value='{column}'>{HEADINGS[column]}</option>" for column in COLUMNS)
    values = "".join(f"<option value='{value.value}'>{text}</option>" for value, text in _VALUES.items())
    hotlines = "".join(f"<option value='{value.value}'>{text}</option>" for value, text in _HOTLINES.items())
    return (
        "<form class='filter' hidden><label>Country <input type='search' name='name'></label> "
        f"<label>Material <select name='column'><option value=''>any</option>{columns}</select></label> "
        f"<label>says <select name='value'><option value=''>anything</option>{values}</select></label> "
        f"<label>Hotline <select name='hotline'><option value=''>any</option>{hotlines}</select></label> "
        "<button type='reset'>Show all</button> <button type='button' name='print'>Print</button> "
        "<output aria-live='polite'></output></form>"
    )


def _table(entries: Sequence[Entry]) -> str:
    heads = "".join(
        f"<th scope='col'>{text}</th>"
        for text in (*HEADINGS.values(), *FACTS, "hotline", "standing, confidence", "source and note")
    )
    rows = "".join(_row(entry) for entry in entries)
    columns = len(COLUMNS) + len(FACTS) + 4
    return (
        "<section class='sheet'><h2>By jurisdiction</h2><table id='map'>"
        f"<thead><tr class='warned'><th colspan='{columns}'>{escape(WARNING)}</th></tr>"
        f"<tr><th scope='col'>jurisdiction</th>{heads}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _row(entry: Entry) -> str:
    law, country = entry.law, entry.jurisdiction
    cells = "".join(_cell(cell) for cell in entry.cells) or f"<td colspan='{len(COLUMNS)}'>no row for this day</td>"
    data = "".join(f" data-{cell.column.replace('_', '-')}='{cell.value.value}'" for cell in entry.cells)
    note = f"{entry.sources()}. {law.note}" if law and law.note else entry.sources()
    rest = "".join(f"<td>{escape(text)}</td>" for text in (*entry.facts(), entry.hotline(), entry.confidence(), note))
    name = f"{escape(country.name)} ({', '.join((country.country, *country.aliases))})"
    searched = escape(" ".join((country.name, country.country, *country.aliases)).lower(), quote=True)
    return (
        f"<tr id='{country.code}' data-name='{searched}' data-hotline='{entry.network().value}'{data}>"
        f"<th scope='row'>{name}</th>{cells}{rest}</tr>"
    )


def _cell(cell: Cell) -> str:
    text = f"{_MARKS[cell.value]} {cell.text()}" if cell.value is not Criminalised.UNKNOWN else cell.text()
    return f"<td class='{cell.value.value}'>{escape(text)}</td>"


def _sources(entries: Sequence[Entry], digest: str) -> str:
    items = "".join(f"<li>{escape(source)}</li>" for source in _distinct(entries))
    return (
        f"<section class='sheet'><h2>Sources</h2>{_WARNING}"
        "<p>S numbers are those of the project's domain facts; ~ is a secondary source. "
        "Without a number the facts themselves are general knowledge that wants a source.</p>"
        f"<ul class='sources'>{items}</ul><p>Policy bundle {digest[:16]}.</p></section>"
    )


def _distinct(entries: Sequence[Entry]) -> Iterator[str]:
    yield from sorted({entry.sources() for entry in entries if entry.sources()})
