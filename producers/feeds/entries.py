"""What a feed makes of its input: drafts and rejections, in the order of the file."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from producers.draft import ReportDraft
from schemas.catalogue import message

Row = Mapping[str, Any]
"""One object or table row as its format names things."""


class Problem(Struct, frozen=True, kw_only=True):
    """One thing to correct: where, a stable code, and what was expected, found and is to be done; never the value."""

    line: int
    field: str
    code: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{where}: {self.message} [{self.code}]"


class Drafted(Struct, frozen=True, kw_only=True):
    """A report that a feed could read; `rows` are its input, for the file of rejects."""

    line: int
    draft: ReportDraft
    notices: tuple[Problem, ...] = ()
    """What is kept although it is odd, such as a code of no vocabulary."""
    rows: tuple[Row, ...] = ()


class Rejection(Struct, frozen=True, kw_only=True):
    """Input that is no report yet, with everything that is wrong with it."""

    line: int
    problems: tuple[Problem, ...]
    rows: tuple[Row, ...] = ()


Entry = Drafted | Rejection


class Context(Struct, frozen=True, kw_only=True):
    """What reading needs to know beside the input."""

    now_ms: int
    utc_offset_minutes: int | None = None
    """For times without a zone, from the member's profile; None refuses them."""


def problem(line: int, field: str, *, code: str, **facts: object) -> Problem:
    """A problem in the words of the message catalogue."""
    return Problem(line=line, field=field, code=code, message=message(code, **facts))


def rejection(line: int, field: str = "", *, code: str, rows: Iterable[Row] = (), **facts: object) -> Rejection:
    """A rejection for one reason."""
    return Rejection(line=line, problems=(problem(line, field, code=code, **facts),), rows=tuple(rows))
