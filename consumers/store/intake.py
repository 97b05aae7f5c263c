"""A batch of referrals on its way into the store: what bears on them is asked once, and they are written at once."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Connection, insert, select

from consumers.agreement import Standing
from consumers.states import GOT
from consumers.store.arrivals import CIRCUMSTANCE, CONTENT, standing_of
from consumers.store.bundles import Bundles
from consumers.store.tables import CONTENT_KEYS, DELIVERIES, ERASURES
from schemas.records.identifiers import ReportId
from schemas.records.referral import Referral

_MOST_ASKED: Final = 1_000
"""Keys in one question: a server takes no more than a few ten thousand."""


class Intake:
    """Of one transaction. Before anything of it is read or changed by others, `write` puts what was added into it."""

    def __init__(self, connection: Connection, referrals: Sequence[Referral]) -> None:
        self._connection = connection
        self._seen = _reports_seen(connection, sorted({one.report_id for one in referrals}))
        self._had = _contents_had(connection, sorted({key for one in referrals for key in one.content_keys}))
        self._standings: dict[tuple[object, ...], Standing] = {}
        self.bundles = Bundles(connection)
        self._rows: list[Mapping[str, Any]] = []
        self._keys: list[Mapping[str, str]] = []

    def is_first(self, report_id: ReportId) -> bool:
        """Whether nothing of a report is stored, was ordered, or came earlier in the batch."""
        return report_id not in self._seen

    def meet(self, report_id: ReportId) -> None:
        """Something of a report has come."""
        self._seen.add(report_id)

    def standing_of(self, referral: Referral, since_ms: int) -> Standing:
        """What the member certainly has of its keys with other reports; what is added here, nobody has yet.

        Of a flood of one content it is asked once, as of the first that asks: all copies of it lie under its key. Only
        of a report that is here already the answer is its own, because it leaves that report's copies out.
        """
        if self._had.isdisjoint(referral.content_keys):
            return Standing()
        left_out = "" if self.is_first(referral.report_id) else referral.report_id
        asked = (referral.content_keys, referral.circumstance_keys, referral.mark, left_out)
        if asked not in self._standings:
            self._standings[asked] = standing_of(self._connection, referral, since_ms)
        return self._standings[asked]

    def add(self, row: Mapping[str, Any], referral: Referral) -> None:
        """One referral more, and the keys it carries; every row has the same columns."""
        self._rows.append(row)
        keys = {(CONTENT, key) for key in referral.content_keys}
        keys |= {(CIRCUMSTANCE, key) for key in referral.circumstance_keys}
        self._keys += ({"kind": kind, "content_key": key, "delivery_key": row["key"]} for kind, key in sorted(keys))

    def write(self) -> None:
        """Put what was added since the last time into the transaction."""
        if self._rows:
            self._connection.execute(insert(DELIVERIES), self._rows)
        if self._keys:
            self._connection.execute(insert(CONTENT_KEYS), self._keys)
        self._rows, self._keys = [], []
        self._standings.clear()


def _reports_seen(connection: Connection, reports: Sequence[ReportId]) -> set[ReportId]:
    """Of which reports there is anything: a delivery of any kind, or an order to erase."""
    return {
        ReportId(found) for table in (DELIVERIES, ERASURES) for found in _among(connection, table.c.report_id, reports)
    }


def _contents_had(connection: Connection, keys: Sequence[str]) -> frozenset[str]:
    """Which contents came with a referral that the member certainly has, whatever else is asked of it."""
    columns = CONTENT_KEYS.c
    is_had = (columns.kind == CONTENT) & (columns.delivery_key == DELIVERIES.c.key) & DELIVERIES.c.state.in_(GOT)
    return frozenset(_among(connection, columns.content_key, keys, is_had))


def _among(
    connection: Connection, column: Column[str], values: Sequence[str], *where: ColumnElement[bool]
) -> Iterator[str]:
    for first in range(0, len(values), _MOST_ASKED):
        asked = column.in_(values[first : first + _MOST_ASKED])
        yield from connection.scalars(select(column).where(asked, *where).distinct())
