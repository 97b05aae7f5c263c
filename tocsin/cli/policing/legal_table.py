"""The legal map in the terminal; pure."""

from collections.abc import Sequence
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.table import Table

from tocsin.policy.jurisdictions import COLUMNS, Network
from tocsin.policy.legal_map import FACTS, HEADINGS, Entry, differing

_SHORT: Final = {
    "real_child": "real",
    "appears_child": "appears",
    "realistic_synthetic": "synth.",
    "non_realistic": "drawn",
    "text": "text",
    "self_generated_peer": "peers",
}
_HOTLINES: Final = {Network.INHOPE: "yes", Network.NONE: "none", Network.UNKNOWN: "?"}
LEGEND: Final = (
    "real: a real child. appears: somebody who appears to be one. synth.: realistic synthetic. "
    "peers: peers' own images. hotline: in the hotlines' network. ?: not known; a value with ? is a guess. "
    "--compare shows every column."
)


def table(entries: Sequence[Entry]) -> Table:
    """One line a jurisdiction, within 80 columns."""
    made = _empty("", "jurisdiction", *(_SHORT[column] for column in COLUMNS), "hotline", "standing")
    for entry in entries:
        cells = [cell.text() for cell in entry.cells] or ["-"] * len(COLUMNS)
        country = entry.jurisdiction
        made.add_row(country.country, country.name, *cells, _HOTLINES[entry.network()], entry.confidence())
    return made


def comparison(entries: Sequence[Entry]) -> Table:
    """One column a jurisdiction; what differs is marked."""
    made = _empty("", *(f"{entry.jurisdiction.name} ({entry.standing()})" for entry in entries))
    different = differing(entries)
    for number, column in enumerate(COLUMNS):
        mark = "≠ " if column in different else "  "
        cells = (entry.cells[number].text() if entry.cells else "-" for entry in entries)
        made.add_row(f"{mark}{HEADINGS[column]}", *cells)
    for number, name in enumerate(FACTS):
        values = [entry.facts()[number] for entry in entries]
        mark = "≠ " if len(set(values)) > 1 else "  "
        made.add_row(f"{mark}{name}", *values)
    made.add_row("  hotline", *(entry.hotline() for entry in entries))
    made.add_row("  standing", *(entry.confidence() for entry in entries))
    made.add_row("  source", *(entry.sources() for entry in entries))
    made.add_row("  note", *(entry.law.note if entry.law else "" for entry in entries))
    return made


def _empty(*heads: str) -> Table:
    return Table(*heads, box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
