"""What became of the records of a batch: counted, and a line of the log for each, once the batch is in the store."""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from schemas.records.answers import Status
from schemas.records.referral import Referral
from schemas.records.values import Coordinate
from tocsin.runtime.ledger.addressing import is_id
from tocsin.runtime.logs import Facts, tell_outcomes
from tocsin.runtime.metrics import record_left

STAGE: Final = "inbox"
_LOG: Final = logging.getLogger(__name__)


class _Left(Struct, frozen=True, kw_only=True, gc=False):
    outcome: str
    place: Coordinate
    record: Referral | Status | None
    code: str


class Received:
    """Of one transaction: where that is rolled back, nothing became of them, and nobody is told."""

    def __init__(self) -> None:
        self._left: list[_Left] = []

    def left(self, outcome: str, place: Coordinate, record: Referral | Status | None = None, code: str = "") -> None:
        """One record has its outcome, and why where there is a reason; without the record where it cannot be read."""
        self._left.append(_Left(outcome=outcome, place=place, record=record, code=code))

    def tell(self) -> None:
        """Count them, and write their lines."""
        for outcome, count in Counter(one.outcome for one in self._left).items():
            record_left(STAGE, outcome, count)
        tell_outcomes(_LOG, STAGE, self._lines())

    def _lines(self) -> Iterator[Facts]:
        for one in self._left:
            yield _line(one)


def _line(one: _Left) -> Facts:
    """Ids, codes and the coordinate; `delivery` is what the courier calls it by.

    A message that an answer was refused says the report as its author wrote it: what is no id may be anything.
    """
    place = {"topic": one.place.topic, "partition": one.place.partition, "offset": one.place.offset}
    line: dict[str, object] = {"outcome": str(one.outcome), **place}
    if one.record is not None:
        report = {"report_id": one.record.report_id} if is_id(one.record.report_id) else {}
        line |= {"delivery": _key(one.record), **report, "revision": one.record.revision}
    return line | {"code": one.code} if one.code else line


def _key(record: Referral | Status) -> str:
    return record.status_id if isinstance(record, Status) else record.referral_id
