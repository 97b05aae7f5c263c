"""When somebody of a member is there: duty hours and holidays in the member's own time zone; pure."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, time, tzinfo
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from tocsin.policy.members import Member

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN: Final = re.compile(r"(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<begin>\d{2}:\d{2})-(?P<end>\d{2}:\d{2})")
_MIDNIGHT: Final = time(0)


class Hours(Struct, frozen=True):
    """Some days of the week, from and without an hour; `24:00` is the end of the day."""

    days: tuple[int, ...]
    begin: time
    end: time

    def covers(self, at: time) -> bool:
        """Whether the hour lies within; an end at midnight is the day's."""
        return self.begin <= at and (at < self.end or self.end == _MIDNIGHT)


def hours_of(text: str) -> Hours | None:
    """Read `mon-fri 08:00-18:00` or `sat 10:00-24:00`; None where it is neither."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None or found["first"] not in _DAYS or (found["last"] or "mon") not in _DAYS:
        return None
    first, last = _DAYS.index(found["first"]), _DAYS.index(found["last"] or found["first"])
    begin, end = _clock(found["begin"]), _clock(found["end"])
    if begin is None or end is None or last < first or (end != _MIDNIGHT and end <= begin):
        return None
    return Hours(tuple(range(first, last + 1)), begin, end)


def is_zone(name: str) -> bool:
    """Whether the time zone database has it."""
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError):
        return False
    return True


def on_duty(member: Member, now_ms: int) -> bool:
    """Whether somebody is there now; a member without duty hours always has somebody."""
    return _is_on(member, _local(member, now_ms))


def _is_on(member: Member, at: datetime) -> bool:
    if not member.duty_hours:
        return at.date() not in member.holidays
    if at.date() in member.holidays:
        return False
    return any(at.weekday() in span.days and span.covers(at.time()) for span in _hours(member))


def _hours(member: Member) -> Iterable[Hours]:
    return filter(None, map(hours_of, member.duty_hours))


def _local(member: Member, now_ms: int) -> datetime:
    return datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(_zone(member.time_zone))


def _zone(name: str) -> tzinfo:
    """UTC needs no database of time zones, which a small image may lack."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _clock(text: str) -> time | None:
    hour, minute = map(int, text.split(":"))
    if (hour, minute) == (24, 0):
        return _MIDNIGHT
    return time(hour, minute) if hour < 24 and minute < 60 else None  # noqa: PLR2004 -- a clock's
