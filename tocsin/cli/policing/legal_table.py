"""The legal map in the terminal; pure."""

from collections.abc import Sequence

from rich.table import Table

from tocsin.policy.jurisdictions import COLUMNS
from tocsin.policy.legal_map import HEADINGS, Entry, differing


def table(entries: Sequence[Entry]) -> Table:
    """One line a jurisdiction."""
    made = Table("", "jurisdiction", *(HEADINGS[column] for column in COLUMNS), "hotline", "standing")
    for entry in entries:
        cells = [cell.text() for cell in entry.cells] or ["-"] * len(COLUMNS)
        confidence = f"{entry.standing()} ({entry.law.confidence})" if entry.law else entry.standing()
        made.add_row(entry.jurisdiction.country, entry.jurisdiction.name, *cells, entry.hotline(), confidence)
    return made


def comparison(entries: Sequence[Entry]) -> Table:
    """One column a jurisdiction; what differs is marked."""
    made = Table("", *(f"{entry.jurisdiction.name} ({entry.standing()})" for entry in entries))
    different = differing(entries)
    for number, column in enumerate(COLUMNS):
        mark = "≠ " if column in different else "  "
        cells = (entry.cells[number].text() if entry.cells else "-" for entry in entries)
        made.add_row(f"{mark}{HEADINGS[column]}", *cells)
    for title, field in (("child below", "age_limit"), ("age of consent", "age_of_consent"), ("since", "valid_from")):
        values = [getattr(entry.law, field) if entry.law else None for entry in entries]
        mark = "≠ " if len(set(values)) > 1 else "  "
        made.add_row(f"{mark}{title}", *("?" if value is None else str(value) for value in values))
    made.add_row("  hotline", *(entry.hotline() for entry in entries))
    made.add_row("  source", *(entry.sources() for entry in entries))
    made.add_row("  note", *(entry.law.note if entry.law else "" for entry in entries))
    return made
