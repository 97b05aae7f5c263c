"""Groups as figures that may be shown: what rests on too few is left out, and what would give it away; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tocsin.cli.measuring.definitions import MEASURES, VERSION
from tocsin.cli.measuring.months import ZONE, Months
from tocsin.runtime.ledger.measures import Group

SMALLEST: Final = 5
"""A figure from fewer reports could lead to one of them."""


class Row(Struct, frozen=True, kw_only=True):
    """One group: its figures by name; `is_hidden` where there are too few to say anything."""

    key: tuple[str, ...]
    values: Mapping[str, float | None]
    is_hidden: bool = False


class Table(Struct, frozen=True, kw_only=True):
    """Figures by some dimensions; without any, one row for all."""

    by: tuple[str, ...]
    rows: tuple[Row, ...]


class Figures(Struct, frozen=True, kw_only=True):
    """What was found, for which months, by which words: all that is needed to compare with it later."""

    months: Months
    made_at: datetime
    smallest: int = SMALLEST
    law_verified_share: float | None = None
    """Of the rows of the legal map in force, those that a lawyer has checked."""
    tables: tuple[Table, ...] = ()
    definitions: str = VERSION
    zone: str = ZONE

    def value(self, measure: str, group: Mapping[str, str]) -> float | None:
        """One figure of one group; None where it is not there or not shown."""
        for table in self.tables:
            if set(table.by) == set(group):
                key = tuple(group[name] for name in table.by)
                return next((row.values.get(measure) for row in table.rows if row.key == key), None)
        return None


def table_of(by: Sequence[str], groups: Iterable[Group], smallest: int = SMALLEST) -> Table:
    """The figures of these groups."""
    found = tuple(groups)
    hidden = _hidden(found, smallest)
    return Table(by=tuple(by), rows=tuple(_row(group, smallest, group.key in hidden) for group in found))


def _hidden(groups: Sequence[Group], smallest: int) -> frozenset[tuple[str, ...]]:
    """Those with too few reports; where it is one alone, the next one as well: the total would tell it."""
    by_size = sorted(groups, key=lambda group: (group.reports, group.key))
    few = sum(group.reports < smallest for group in groups)
    count = 2 if few == 1 and len(groups) > 1 else few
    return frozenset(group.key for group in by_size[:count])


def _row(group: Group, smallest: int, is_hidden: bool) -> Row:
    shown: dict[str, float | None] = dict.fromkeys(MEASURES)
    row = Row(key=group.key, values=shown, is_hidden=is_hidden)
    if is_hidden:
        return row
    for name, measure in MEASURES.items():
        value, among = measure.of(group)
        shown[name] = value if among >= smallest else None
    return replace(row, values=shown)
