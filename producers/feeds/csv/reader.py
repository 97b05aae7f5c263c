"""Reads the table as spreadsheets write it: byte order mark, semicolons or tabs, quoted line breaks."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

import msgspec
from msgspec import Struct

from producers.feeds.csv.cells import problem_in, value_in
from producers.feeds.csv.mapping import (
    LINE_COLUMN,
    OWN_COLUMN,
    REFERENCE,
    REJECTED_BECAUSE,
    Line,
    Mapped,
    columns,
    report_of,
)
from producers.feeds.csv.rows import Lines, is_comment
from producers.feeds.entries import Context, Drafted, Entry, Problem, Rejection, problem, rejection
from producers.feeds.lines import BYTE_ORDER_MARK, LONGEST_LINE_BYTES
from producers.feeds.shaping import Found, shaped

FORMAT = "csv"
_DELIMITERS: Final = ",;\t"
_SEPARATOR_HINT: Final = "sep="
"""A line that some spreadsheets put before the header."""
_MOST_ROWS_OF_ONE_REPORT: Final = 1_000


def recognise(head: bytes) -> bool:
    """Whether the first line of such a file names a column of the template."""
    first = head.removeprefix(BYTE_ORDER_MARK).splitlines()[:2]
    names = {name for line in first for name in _header(line.decode("utf-8", "replace"))[1]}
    return not columns().keys().isdisjoint(names)


def read(stream: BinaryIO, context: Context) -> Iterator[Entry]:
    """One entry a report: neighbouring rows that share a reference."""
    lines = Lines(stream)
    first = next(lines, "")
    delimiter, names = _header(next(lines, "") if first.lower().startswith(_SEPARATOR_HINT) else first)
    wrong = list(_header_problems(names))
    if wrong:
        yield Rejection(line=1, problems=tuple(wrong))
        return
    rows = _rows(lines, delimiter, names)
    yield from _Grouping(context).entries(rows)


class _Row(Struct, frozen=True, kw_only=True):
    """One row as it was written, and what is wrong with its cells."""

    line: Line
    written: dict[str, str]
    problems: tuple[Problem, ...] = ()

    @property
    def reference(self) -> str:
        return self.line.cells.get(REFERENCE, "")


class _Grouping:
    """Turns rows into entries; remembers references, because a report's rows stand together."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._ended: set[str] = set()

    def entries(self, rows: Iterable[_Row | Rejection]) -> Iterator[Entry]:
        group: list[_Row] = []
        for row in rows:
            belongs = isinstance(row, _Row) and group and row.reference == group[0].reference != ""
            if group and not belongs:
                yield self._entry(group)
                group = []
            if isinstance(row, Rejection):
                yield row
            else:
                group.append(row)
        if group:
            yield self._entry(group)

    def _entry(self, group: Sequence[_Row]) -> Entry:
        first, written = group[0], tuple(row.written for row in group)
        problems = [wrong for row in group for wrong in row.problems]
        if first.reference in self._ended:
            problems.append(problem(first.line.number, REFERENCE, code="csv.rows_apart"))
        if len(group) > _MOST_ROWS_OF_ONE_REPORT:
            problems.append(problem(first.line.number, REFERENCE, code="field.too_many", found=len(group)))
        if first.reference:
            self._ended.add(first.reference)
        mapped = report_of([row.line for row in group])
        problems += [problem(place.line, place.column, code="csv.conflict") for place in mapped.conflicts]
        return _shaped(mapped, problems, written, self._context)


def _shaped(
    mapped: Mapped, problems: list[Problem], written: tuple[dict[str, str], ...], context: Context
) -> Drafted | Rejection:
    result = shaped(mapped.content, context)
    problems += _told(mapped, result.problems)
    line = mapped.origins[""].line
    if result.draft is None or problems:
        return Rejection(line=line, problems=tuple(problems), rows=written)
    draft = msgspec.structs.replace(result.draft, source_format=FORMAT)
    return Drafted(line=line, draft=draft, notices=tuple(_told(mapped, result.notices)), rows=written)


def _told(mapped: Mapped, found: Iterable[Found]) -> list[Problem]:
    places = [(mapped.place_of(one), one) for one in found]
    return [problem(place.line, place.column, code=one.code, **one.facts) for place, one in places]


def _header(first: str) -> tuple[str, tuple[str, ...]]:
    delimiter = max(_DELIMITERS, key=first.count)
    try:
        cells = next(csv.reader(io.StringIO(first), delimiter=delimiter), [])
    except csv.Error:
        cells = []
    return delimiter, tuple(cell.strip().lower().replace(" ", "_") for cell in cells)


def _header_problems(names: Sequence[str]) -> Iterator[Problem]:
    if REFERENCE not in names:
        yield problem(1, REFERENCE, code="csv.column_missing")
    for name in sorted({name for name in names if names.count(name) > 1 and name}):
        yield problem(1, name, code="csv.column_twice")
    for number, name in enumerate(names, start=1):
        if name not in columns() and name != REJECTED_BECAUSE and not name.startswith(OWN_COLUMN) and name:
            yield problem(1, f"column {number}", code="csv.column_unknown")


def _rows(lines: Lines, delimiter: str, names: Sequence[str]) -> Iterator[_Row | Rejection]:
    """Each row read by itself: where one does not close its quotation mark, the next line begins a row again."""
    while True:
        number = lines.begin_row()
        try:
            cells = next(csv.reader(lines, delimiter=delimiter, strict=True))
        except StopIteration:
            return
        except csv.Error:
            yield rejection(number, code="csv.malformed", rows=({LINE_COLUMN: lines.give_back()},))
            continue
        if lines.is_too_long:
            yield rejection(number, code="line.too_long", longest=LONGEST_LINE_BYTES)
        elif any(cells) and not is_comment(cells[0]):
            yield _row(number, _filled(cells, names, is_whole=lines.ends_a_line), names)


def _filled(cells: list[str], names: Sequence[str], *, is_whole: bool) -> list[str]:
    """Spreadsheets leave out empty cells at the end of a row; a line without its end was cut off and stays short."""
    return cells + [""] * (len(names) - len(cells)) if is_whole else cells


def _row(number: int, cells: list[str], names: Sequence[str]) -> _Row | Rejection:
    written = dict(zip(names, cells, strict=False))
    if len(cells) != len(names):
        return rejection(number, code="csv.cell_count", rows=(written,), expected=len(names), found=len(cells))
    read = {name: cell for name, cell in written.items() if name in columns() and cell.strip()}
    problems = [problem(number, name, code=code) for name, cell in read.items() if (code := _cell_code(cell))]
    values = {name: value_in(cell.strip()) for name, cell in read.items()}
    return _Row(line=Line(number=number, cells=values), written=written, problems=tuple(problems))


def _cell_code(cell: str) -> str:
    if any("\udc80" <= sign <= "\udcff" for sign in cell):
        return "text.not_utf8"
    return problem_in(cell.strip())
