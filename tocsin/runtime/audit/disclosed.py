"""What the log says of a report, a member or a person, each statement held against its leaf."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, text

from tocsin.runtime.audit.covering import Given, covers, given
from tocsin.runtime.audit.recording import LINE
from tocsin.runtime.audit.statements import (
    NONCE_BYTES,
    Act,
    Decision,
    Disclosure,
    Reading,
    Refusal,
    Statement,
    decoded,
    opens,
    people_of,
)

_BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END: Final = datetime(9999, 1, 1, tzinfo=UTC)


class Wanted(Struct, frozen=True, kw_only=True):
    """What is asked for: all that is not empty must fit."""

    report: str = ""
    """Its id, a referral's id, or the submitter's reference."""
    member: str = ""
    person: str = ""
    since: datetime = _BEGINNING
    until: datetime = _END
    """By the time at which it was recorded."""


class Subject(Struct, frozen=True, kw_only=True):
    """The reports that are asked for, and the copies that members were given of them."""

    reports: frozenset[str] = frozenset()
    copies: tuple[Given, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """One statement, and whether its leaf commits to it."""

    at_ms: int
    recorded: datetime
    statement: Statement
    holds: bool
    leaf: bytes
    line: bytes
    nonce: bytes


def disclosed(connection: Connection, wanted: Wanted) -> tuple[Told, ...]:
    """In the order of the log; with a report, also who looked at a span of referrals in which a copy of it lay."""
    reports = _reports(connection, wanted.report) if wanted.report else frozenset[str]()
    asked = {"reports": sorted(reports), "person": wanted.person, "since": wanted.since, "until": wanted.until}
    query = _OF_REPORT if wanted.report else _OF_PERSON if wanted.person else _OF_TIME
    told = [each for row in connection.execute(query, asked) for each in _told(row)]
    subject = Subject(reports=reports, copies=_copies(told, reports))
    return tuple(each for each in told if _in_time(each, wanted) and concerns(each.statement, wanted, subject))


def of_referral(connection: Connection, referral: str) -> Told | None:
    """The disclosure that a referral was."""
    for told in disclosed(connection, Wanted(report=referral)):
        if isinstance(told.statement, Disclosure) and told.statement.referral == referral:
            return told
    return None


def _copies(told: Sequence[Told], reports: frozenset[str]) -> tuple[Given, ...]:
    """Of all times: whoever asks for this week's looks asks for looks at what came last year too."""
    found = (
        given(each.statement, each.at_ms, int(each.recorded.timestamp() * 1000))
        for each in told
        if getattr(each.statement, "report", "") in reports
    )
    return tuple(copy for copy in found if copy)


def _in_time(told: Told, wanted: Wanted) -> bool:
    return wanted.since <= told.recorded <= wanted.until


def concerns(statement: Statement, wanted: Wanted, subject: Subject) -> bool:
    """Whether it is about what is asked for."""
    about_report = not wanted.report or _is_about(statement, subject)
    about_member = not wanted.member or wanted.member in _members(statement)
    about_person = not wanted.person or (isinstance(statement, Reading | Act) and wanted.person in people_of(statement))
    return about_report and about_member and about_person


def _is_about(statement: Statement, subject: Subject) -> bool:
    if isinstance(statement, Reading) and covers(statement, subject.copies):
        return True
    return getattr(statement, "report", "") in subject.reports


def _members(statement: Statement) -> tuple[str, ...]:
    match statement:
        case Disclosure():
            return (statement.recipient,)
        case Refusal() | Reading() | Act():
            return (statement.member,)
        case Decision():
            return ()


def _told(row: Row[Any]) -> Iterator[Told]:
    nonces = bytes(row.nonces)
    lines = zip(bytes(row.leaves).split(LINE), bytes(row.statements).split(LINE), strict=False)
    for number, (leaf, line) in enumerate(lines):
        nonce = nonces[number * NONCE_BYTES : (number + 1) * NONCE_BYTES]
        try:
            statement = decoded(line)
            at_ms = int(leaf.split()[2])
        except (msgspec.MsgspecError, ValueError, IndexError):
            continue  # erased, or spoiled: the second is what `tocsin audit verify` names
        holds = opens(leaf, line, nonce)
        yield Told(at_ms=at_ms, recorded=row.at, statement=statement, holds=holds, leaf=leaf, line=line, nonce=nonce)


def _reports(connection: Connection, asked: str) -> frozenset[str]:
    named = _uuid(asked)
    found = connection.execute(_REPORTS, {"asked": asked, "id": named}).scalars()
    return frozenset(map(str, found)) | ({named} if named else frozenset())  # one that was refused was never decided


def _uuid(asked: str) -> str | None:
    try:
        return str(UUID(asked))
    except ValueError:
        return None


_REPORTS: Final = text("""
    select report_id from decisions where submitter_reference = :asked or report_id = cast(:id as uuid)
    union
    select report_id from referrals
    where referral_id = cast(:id as uuid) or report_id = cast(:id as uuid) or submitter_reference = :asked
""")
_OPENING: Final = (
    "select e.leaves, o.at, o.nonces, o.statements from audit_openings o join audit_entries e using (entry)"
)
_BY: Final = "o.person <> '' and :person = any(string_to_array(o.person, ' and '))"
_WHEN: Final = "o.at between :since and :until"
_OF_TIME: Final = text(f"{_OPENING} where {_WHEN} order by e.xid, e.entry")
_OF_PERSON: Final = text(f"{_OPENING} where {_BY} and {_WHEN} order by e.xid, e.entry")
_OF_REPORT: Final = text(f"""
    with places as (
        select stream, log_offset from report_revisions where report_id = any(cast(:reports as uuid[]))
        union select stream, log_offset from rulings where report_id = any(cast(:reports as uuid[]))
        union select stream, log_offset from referrals where report_id = any(cast(:reports as uuid[]))
        union select stream, log_offset from dead_letters where report_id = any(cast(:reports as uuid[]))
    ), entries as (
        select found.entry from places p cross join lateral (
            select a.entry from audit_openings a where a.stream = p.stream and a.first_offset <= p.log_offset
            order by a.first_offset desc limit 1
        ) found
        union select entry from audit_openings where person <> ''
    )
    {_OPENING} join entries using (entry) order by e.xid, e.entry
""")  # noqa: S608 -- put together from our own text
"""The entries of a stream follow each other: the one that begins last before a place has it, if any has.
Of all times, because a copy may be older than the looks at it that are asked for."""
