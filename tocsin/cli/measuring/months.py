"""Which months are asked for: reports that are erased are counted by month, so that nothing finer is."""

import re
from datetime import date
from typing import Final

from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused

ZONE: Final = "UTC"
_QUARTER: Final = re.compile(r"(\d{4})-?Q([1-4])")
_MONTH: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class Months(Struct, frozen=True, kw_only=True):
    """The first and the last month, both included, each by its first day."""

    first: date
    last: date

    def text(self) -> str:
        """As people say it."""
        return f"{self.first:%Y-%m}" if self.first == self.last else f"{self.first:%Y-%m} to {self.last:%Y-%m}"


def months_of(quarter: str, first: str, last: str, today: date) -> Months:
    """What the options say; the quarter of today where they say nothing. Raises Refused (stats.months)."""
    if quarter and (first or last):
        raise _refused()
    if quarter:
        return _quarter(quarter)
    if not (first or last):
        return _quarter(f"{today.year}Q{(today.month + 2) // 3}")
    begins = _month(first or last)
    ends = _month(last) if last else today.replace(day=1)
    if ends < begins:
        raise _refused()
    return Months(first=begins, last=ends)


def _quarter(written: str) -> Months:
    found = _QUARTER.fullmatch(written.upper())
    if found is None:
        raise _refused()
    year, ends = int(found[1]), 3 * int(found[2])
    return Months(first=date(year, ends - 2, 1), last=date(year, ends, 1))


def _month(written: str) -> date:
    found = _MONTH.fullmatch(written)
    if found is None:
        raise _refused()
    return date(int(found[1]), int(found[2]), 1)


def _refused() -> Refused:
    return Refused(message("stats.months"), code="stats.months")
