"""The file of what was refused: the rows as they were written, with the reasons, to correct and send again; pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from producers.feeds.csv import reader as csv_reader
from producers.feeds.csv import writing as csv_writing
from producers.feeds.csv.cells import value_in
from producers.feeds.csv.mapping import REJECTED_BECAUSE, columns
from producers.feeds.entries import Rejection, Row
from producers.feeds.jsonl import reader as jsonl_reader
from producers.feeds.jsonl import writing as jsonl_writing
from producers.feeds.shaping import MASKED
from producers.feeds.xarf import reader as xarf_reader
from producers.feeds.xarf import writing as xarf_writing
from schemas.screening import rule_of_text

LONGEST_KEPT: Final = 4_096
"""Longer texts are masked like hits of the firewall: nothing that is metadata needs more."""


def masked(value: Any) -> Any:
    """The value without what the firewall would hit: length and digest stand in its place."""
    if isinstance(value, str):
        return _masked_text(value)
    if isinstance(value, Mapping):
        return {_masked_text(str(name)): masked(inner) for name, inner in value.items()}
    return [masked(inner) for inner in value] if isinstance(value, Sequence) else value


def rejects(format_name: str, found: Sequence[Rejection]) -> Iterator[bytes]:
    """The file in the format of its input."""
    return _WRITERS[format_name](found)


def _masked_text(text: str) -> str:
    if len(text) <= LONGEST_KEPT and rule_of_text(text, lines_allowed=True) is None:
        return text
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{MASKED} {len(text)} characters, sha256 {digest}]"


def _reason(rejection: Rejection) -> str:
    return "; ".join(str(problem) for problem in rejection.problems)


def _objects(found: Iterable[Rejection]) -> Iterator[Mapping[str, Any]]:
    """A line that was no object leaves a comment behind, because there is nothing to correct in it here."""
    for rejection in found:
        for row in rejection.rows:
            yield {**masked(row), REJECTED_BECAUSE: _reason(rejection)}
        if not rejection.rows:
            yield {f"_{REJECTED_BECAUSE}": _reason(rejection)}


def _reports(found: Iterable[Rejection]) -> Iterator[Mapping[str, Any]]:
    """X-ARF has an object for what is internal, so that the report stays valid."""
    for rejection in found:
        for row in rejection.rows:
            yield {**masked(row), "_internal": {REJECTED_BECAUSE: _reason(rejection)}}


def _table(found: Sequence[Rejection]) -> Iterator[bytes]:
    rows = [_cells(row, rejection) for rejection in found for row in rejection.rows]
    own = dict.fromkeys(name for row in rows for name in row)
    names = [*(name for name in columns() if name in own), *_others(own)]
    return csv_writing.write(rows, names)


def _cells(row: Row, rejection: Rejection) -> dict[str, str]:
    return {name: _unprotected(str(cell)) for name, cell in row.items()} | {REJECTED_BECAUSE: _reason(rejection)}


def _unprotected(cell: str) -> str:
    return _masked_text(value_in(cell))


def _others(own: Iterable[str]) -> list[str]:
    return [name for name in own if name not in columns()]


_WRITERS: Final[Mapping[str, Callable[[Sequence[Rejection]], Iterator[bytes]]]] = {
    csv_reader.FORMAT: _table,
    jsonl_reader.FORMAT: lambda found: jsonl_writing.write(_objects(found)),
    xarf_reader.FORMAT: lambda found: xarf_writing.write(_reports(found)),
}
