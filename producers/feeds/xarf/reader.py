"""Reads X-ARF v4: one report, a list of reports, or one report a line; checked with the `xarf` package."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, Final

import msgspec
from xarf import parse

from producers.feeds.entries import Context, Drafted, Entry, Problem, Rejection, problem, rejection
from producers.feeds.lines import BYTE_ORDER_MARK, bounded_lines
from producers.feeds.shaping import shaped
from producers.feeds.xarf.mapping import TYPES, content_of, dropped_fields, without_payloads
from schemas.documents import json_value

FORMAT = "xarf"
MAX_DOCUMENT_BYTES: Final = 33_554_432
"""Evidence may be attached, and is thrown away only after it was read."""
_PROBLEMS_SHOWN: Final = 10


def recognise(head: bytes) -> bool:
    """Whether a file that starts so is X-ARF, of whatever category."""
    start = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    return start.startswith((b"{", b"[")) and (b'"xarf_version"' in head or b'"ReporterInfo"' in head)


def read(stream: BinaryIO, context: Context) -> Iterator[Entry]:
    """One entry a report, numbered as lines where they stand on lines, else by position."""
    for number, written in _numbered(stream):
        yield written if isinstance(written, Rejection) else _entry(number, written, context)


def _numbered(stream: BinaryIO) -> Iterator[tuple[int, Any]]:
    start = stream.tell()
    lines = bounded_lines(stream, MAX_DOCUMENT_BYTES)
    _, first = next(lines, (1, b""))
    opening = _decoded(1, first or b"")
    if isinstance(opening, dict):
        return chain(((1, opening),), _lines(lines))
    stream.seek(start)
    return _whole(stream)


def _lines(lines: Iterable[tuple[int, bytes | None]]) -> Iterator[tuple[int, Any]]:
    """One report a line, however many: a file of lines has no bound."""
    for number, line in lines:
        if line is None:
            yield number, _too_long(number)
        elif line.strip():
            yield number, _decoded(number, line)


def _whole(stream: BinaryIO) -> Iterator[tuple[int, Any]]:
    data = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        return iter(((1, _too_long(1)),))
    return _documents(data.removeprefix(BYTE_ORDER_MARK))


def _too_long(number: int) -> Rejection:
    return rejection(number, code="line.too_long", longest=MAX_DOCUMENT_BYTES)


def _documents(data: bytes) -> Iterator[tuple[int, Any]]:
    whole = _decoded(1, data)
    if isinstance(whole, Rejection) and data.count(b"\n"):
        lines = enumerate(data.splitlines(), start=1)
        decoded = [(number, _decoded(number, line)) for number, line in lines if line.strip()]
        if any(not isinstance(written, Rejection) for _, written in decoded):
            yield from decoded
            return
    yield from enumerate(whole, start=1) if isinstance(whole, list) else [(1, whole)]


def _decoded(number: int, data: bytes) -> Any:
    try:
        return json_value(data)
    except UnicodeDecodeError:
        return rejection(number, code="text.not_utf8")
    except msgspec.DecodeError:
        return rejection(number, code="json.malformed")


def _entry(number: int, written: Any, context: Context) -> Entry:
    if not isinstance(written, dict):
        return rejection(number, code="json.not_object")
    report = without_payloads(written)
    problems = tuple(_problems(number, report))
    if problems:
        return Rejection(line=number, problems=problems, rows=(report,))
    result = shaped(content_of(report), context)
    told = [problem(number, one.path, code=one.code, **one.facts) for one in result.problems or result.notices]
    if result.draft is None:
        return Rejection(line=number, problems=tuple(told), rows=(report,))
    stated = f"{FORMAT} {report['xarf_version']}"
    draft = msgspec.structs.replace(result.draft, source_format=stated, removed_fields=dropped_fields(written))
    return Drafted(line=number, draft=draft, notices=tuple(told), rows=(report,))


def _problems(number: int, report: dict[str, Any]) -> Iterator[Problem]:
    """Version, category and type first: whoever sends another type learns that, and not a list of its fields."""
    version = report.get("xarf_version")
    if not isinstance(version, str) or not version.startswith("4."):
        yield problem(number, "xarf_version", code="xarf.version")
    elif report.get("category") != "content" or report.get("type") not in TYPES:
        yield problem(number, "type", code="xarf.other_type")
    else:
        yield from _schema_problems(number, report)


def _schema_problems(number: int, report: dict[str, Any]) -> Iterator[Problem]:
    found = parse(report).errors
    fields = dict.fromkeys(error.field for error in found)
    for field in list(fields)[:_PROBLEMS_SHOWN]:
        yield problem(number, field, code="xarf.schema")
