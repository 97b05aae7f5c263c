"""Writes rows of the template so that a spreadsheet opens them and computes none; pure."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from producers.feeds.csv.cells import protected
from producers.feeds.csv.mapping import REFERENCE, columns

_DOCUMENT_START: Final = b"\xef\xbb\xbf"
"""Without it some spreadsheets read UTF-8 as another encoding."""


def write(rows: Iterable[Mapping[str, str]], names: Sequence[str]) -> Iterator[bytes]:
    """The header and one line a row; the values of rows are protected, so that reading gives them back."""
    yield _DOCUMENT_START + _line(names)
    for row in rows:
        yield _line([protected(row.get(name, "")) for name in names])


def template() -> bytes:
    """An empty template: header, explanations and an example, both of which reading skips."""
    table = columns()
    explained = [f"# {column.doc}" if name == REFERENCE else column.doc for name, column in table.items()]
    example = [f"# example: {c.example}" if name == REFERENCE else protected(c.example) for name, c in table.items()]
    return _DOCUMENT_START + b"".join(map(_line, (list(table), explained, example)))


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode("utf-8", "replace")
