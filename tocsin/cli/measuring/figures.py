"""Groups as figures that may be shown: what rests on too few is left out, and what would give it away; pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

from tocsin.cli.measuring.definitions import COUNT, LAW, MEASURES, SHARE, VERSION
from tocsin.cli.measuring.months import ZONE, Months
from tocsin.cli.measuring.suppression import By, Hidden, Key, suppressed
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
        if measure == LAW:
            return None if group else self.law_verified_share
        for table in self.tables:
            if set(table.by) == set(group):
                key = tuple(group[name] for name in table.by)
                return next((row.values.get(measure) for row in table.rows if row.key == key), None)
        return None


def tables_of(
    wanted: Iterable[By], grouped: Mapping[By, Sequence[Group]], smallest: int, law: float | None = None
) -> tuple[Table, ...]:
    """The figures of these groups by each of `wanted`; `grouped` has every coarser table too, as totals may tell.

    The verified share of the legal map, `law`, is of the exchange and stands with all reports alone.
    """
    reports = suppressed(_counted(grouped, "reports"), smallest)
    hidden = {name: _hidden(name, grouped, smallest, reports) for name in MEASURES}
    return tuple(
        Table(by=by, rows=tuple(_row(group, _in_table(by, hidden), None if by else law) for group in grouped[by]))
        for by in wanted
    )


def _in_table(by: By, hidden: Mapping[str, Hidden]) -> Mapping[str, frozenset[Key]]:
    return {name: found[by] for name, found in hidden.items()}


def _hidden(name: str, grouped: Mapping[By, Sequence[Group]], smallest: int, reports: Hidden) -> Hidden:
    """Of one figure. Times and scores do not add up, so that no total tells them."""
    counted = _counted(grouped, name)
    if MEASURES[name].unit in {COUNT, SHARE}:
        return suppressed(counted, smallest, also=reports)
    return {
        by: reports[by] | {key for key, among in counts.items() if among < smallest} for by, counts in counted.items()
    }


def _counted(grouped: Mapping[By, Sequence[Group]], name: str) -> Mapping[By, Mapping[Key, int]]:
    return {by: {group.key: MEASURES[name].of(group)[1] for group in found} for by, found in grouped.items()}


def _row(group: Group, hidden: Mapping[str, frozenset[Key]], law: float | None) -> Row:
    shown = {name: None if group.key in hidden[name] else measure.of(group)[0] for name, measure in MEASURES.items()}
    return Row(key=group.key, values=shown | {LAW: law}, is_hidden=group.key in hidden["reports"])
