"""Times as people write them: ISO 8601 only, with the precision and the zone that were stated."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from msgspec import Struct

from schemas.records.values import Instant, TimePrecision

_ISO: Final = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?(Z|[+-]\d\d:?\d\d)?)?)?)?"
)
_DAY_MONTH: Final = re.compile(r"\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b.*")
_PRECISIONS: Final = (
    TimePrecision.YEAR,
    TimePrecision.MONTH,
    TimePrecision.DAY,
    TimePrecision.HOUR,
    TimePrecision.MINUTE,
    TimePrecision.SECOND,
)
_FORMATS: Final = dict(zip(_PRECISIONS, ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M"), strict=False))
_FIRST: Final = (1970, 1, 1, 0, 0, 0)
_MILLISECOND: Final = timedelta(milliseconds=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TimeProblem(Struct, frozen=True):
    """Why a text is no time: a code of the message catalogue."""

    code: str


def instant_of(text: str, assumed_offset_minutes: int | None) -> Instant | TimeProblem:
    """The instant that a text states; without a zone the assumed one is used, and that is marked."""
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return TimeProblem("time.day_month" if _DAY_MONTH.fullmatch(text.strip()) else "time.not_iso")
    *numbers, fraction, zone = found.groups()
    offset = _offset_minutes(zone) if zone else assumed_offset_minutes
    if offset is None:
        return TimeProblem("time.no_zone")
    stated = [int(number) for number in numbers if number]
    year, month, day, hour, minute, second = (*stated, *_FIRST[len(stated) :])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(offset))
    except ValueError:
        return TimeProblem("time.not_iso")
    if moment < _EPOCH:
        return TimeProblem("time.before_1970")
    return Instant(
        epoch_ms=(moment - _EPOCH) // _MILLISECOND + int((fraction or "").ljust(3, "0")[:3]),
        utc_offset_minutes=offset,
        precision=_PRECISIONS[len(stated) - 1],
        zone_assumed=not zone,
    )


def text_of(instant: Instant) -> str:
    """The text that `instant_of` reads as this instant, given the same assumed zone."""
    offset = instant.utc_offset_minutes or 0
    moment = (_EPOCH + timedelta(milliseconds=instant.epoch_ms)).astimezone(_zone(offset))
    form = _FORMATS.get(instant.precision)
    text = moment.strftime(form) if form else moment.replace(tzinfo=None).isoformat(timespec="milliseconds")
    return text if instant.zone_assumed else text + _offset_text(offset)


def _offset_minutes(zone: str) -> int:
    if zone == "Z":
        return 0
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return -minutes if zone[0] == "-" else minutes


def _offset_text(offset: int) -> str:
    hours, minutes = divmod(abs(offset), 60)
    return f"{'-' if offset < 0 else '+'}{hours:02d}:{minutes:02d}"


def _zone(offset: int) -> timezone:
    return timezone(timedelta(minutes=offset))
