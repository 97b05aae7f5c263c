"""Reads JSON lines: a bad line is named and the lines around it go through."""

from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from producers.draft import ReportDraft
from producers.feeds.entries import Context, Drafted, Entry, Problem, Rejection, Row, problem, rejection
from producers.feeds.jsonl.mapping import LINE_KEY, content_of, object_of
from producers.feeds.lines import BYTE_ORDER_MARK, LONGEST_LINE_BYTES, bounded_lines
from producers.feeds.shaping import Found, shaped
from schemas.documents import json_value

FORMAT = "jsonl"


def recognise(head: bytes) -> bool:
    """Whether a file that starts so is JSON, and not X-ARF."""
    start = head.removeprefix(BYTE_ORDER_MARK).lstrip()
    return start.startswith((b"{", b"[")) and b'"xarf_version"' not in head


def read(stream: BinaryIO, context: Context) -> Iterator[Entry]:
    """One entry a line; empty lines and comment objects (all keys begin with `_`) are skipped."""
    for number, line in bounded_lines(stream):
        if line is None:
            yield rejection(number, code="line.too_long", longest=LONGEST_LINE_BYTES)
        elif line.strip():
            yield from _entries(number, line, context)


def entry_of(draft: ReportDraft, number: int, context: Context) -> Entry:
    """A draft that was built in Python, held to the same rules as one that was read."""
    written = object_of(draft)
    return _entry(number, written, written, context)


def entry_of_object(written: Row, context: Context) -> Entry:
    """One object, where it does not come from a file."""
    return _entry(1, written, content_of(written), context)


def _entries(number: int, line: bytes, context: Context) -> Iterator[Entry]:
    written = decoded_object(number, line)
    if isinstance(written, Rejection):
        yield written
    elif content := content_of(written):
        yield _entry(number, written, content, context)


def decoded_object(number: int, line: bytes) -> Row | Rejection:
    """The JSON object of one line, or why it is none."""
    try:
        written = json_value(line)
    except UnicodeDecodeError:
        return rejection(number, code="text.not_utf8")
    except msgspec.DecodeError:
        return rejection(number, code="json.malformed", rows=(_as_it_stood(line),))
    if not isinstance(written, dict):
        return rejection(number, code="json.not_object", rows=(_as_it_stood(line),))
    return written


def _as_it_stood(line: bytes) -> Row:
    """The line itself for the file of rejects, where reading takes it for a comment."""
    return {LINE_KEY: line.decode("utf-8", "replace").strip()}


def _entry(number: int, written: Row, content: Row, context: Context) -> Entry:
    result = shaped(content, context)
    if result.draft is None:
        return Rejection(line=number, problems=_told(number, result.problems), rows=(written,))
    draft = msgspec.structs.replace(result.draft, source_format=FORMAT)
    return Drafted(line=number, draft=draft, notices=_told(number, result.notices), rows=(written,))


def _told(number: int, found: tuple[Found, ...]) -> tuple[Problem, ...]:
    return tuple(problem(number, one.path, code=one.code, **one.facts) for one in found)
