"""What recipients have found out about the items of a report, read where it was noted: no ruling forgets it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.records.identifiers import ContentId, CountryCode, ReportId
from schemas.records.ruling import Amendment, RulingCause
from schemas.records.values import Instant
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.standings import STANDING, Standing, standing_in
from tocsin.runtime.pipeline import Query, Rows

Amendments = Mapping[ReportId, tuple[Amendment, ...]]


class FoundOut(Struct, frozen=True, kw_only=True):
    """What a slice of rulings is carried out with."""

    latest: Amendments = {}
    """The latest word; a report of which nothing was found out is left out."""
    before: Mapping[str, tuple[Amendment, ...]] = {}
    """By return, what was known of its report just before it; one that was the first is left out."""
    standing: Standing | None = None
    """What holds at this moment, where it was asked on the same trip."""


class Findings(Protocol):
    """What is known of items since they came in. May raise Temporary."""

    def of(self, reports: Iterable[ReportId], returns: Iterable[str]) -> FoundOut:
        """Of these reports now, and of the reports of these returns before them."""


class NoFindings(Findings):
    """For a place without a ledger."""

    def of(self, reports: Iterable[ReportId], returns: Iterable[str]) -> FoundOut:
        """Nothing."""
        return FoundOut()


class LedgerFindings(Struct, frozen=True, kw_only=True):
    """Asks the ledger for what a slice needs."""

    database: Database

    def of(self, reports: Iterable[ReportId], returns: Iterable[str]) -> FoundOut:
        """One round trip, with what holds at this moment."""
        asked = (latest_of(reports), before_of(sorted(set(returns))), *STANDING)
        latest, before, *standing = self.database.together(asked)
        return FoundOut(latest=latest_in(latest), before=before_in(before), standing=standing_in(*standing))


def latest_of(reports: Iterable[ReportId]) -> Query:
    """Asks for the latest classification of each item, and where it lies once both steps of its move are done."""
    return Query(_FOUND_OUT, {"ids": sorted(set(reports))})


def latest_in(rows: Rows) -> Amendments:
    """What `latest_of` is answered with."""
    found: dict[ReportId, list[Amendment]] = {}
    for row in rows:
        found.setdefault(ReportId(str(row.report_id)), []).append(_amendment(row))
    return {report: tuple(items) for report, items in found.items()}


def amendments_of(connection: Connection, reports: Iterable[ReportId]) -> Amendments:
    """The same, within a transaction."""
    return latest_in(connection.execute(*latest_of(reports)).all())


def before_of(return_ids: Sequence[str]) -> Query:
    """Asks what was known of the report of each return when it came; what comes later does not change that."""
    return Query(_BEFORE, {"ids": list(return_ids)})


def before_in(rows: Rows) -> Mapping[str, tuple[Amendment, ...]]:
    """By return, what `before_of` is answered with."""
    found: dict[str, list[Amendment]] = {}
    for row in rows:
        found.setdefault(row.return_id, []).append(_amendment(row))
    return {return_id: tuple(items) for return_id, items in found.items()}


def amendments_before(connection: Connection, return_ids: Sequence[str]) -> Mapping[str, tuple[Amendment, ...]]:
    """The same, within a transaction."""
    return before_in(connection.execute(*before_of(return_ids)).all())


def changed_by(return_ids: Sequence[str]) -> Query:
    """Asks which of these returns changed where an item belongs or what it is; the same however often it is asked."""
    return Query(_CHANGED, {"ids": list(return_ids)})


def causes_in(rows: Rows) -> Mapping[str, RulingCause]:
    """What `changed_by` is answered with, by return."""
    return {row.return_id: RulingCause.MOVED if row.moved else RulingCause.LABEL for row in rows}


def causes_of(connection: Connection, return_ids: Sequence[str]) -> Mapping[str, RulingCause]:
    """The same, within a transaction."""
    return causes_in(connection.execute(*changed_by(return_ids)).all())


def _amendment(row: Any) -> Amendment:
    return Amendment(
        content_id=ContentId(row.content_id),
        hosting_country=CountryCode(row.country or ""),
        moved_at=Instant(epoch_ms=row.moved_ms) if row.moved_ms is not None else None,
        classification=row.classification or "",
    )


_FOUND_OUT: Final = text("""
    select report_id, content_id,
           (array_agg(value order by number desc) filter (where kind = 'reassign'))[1] as country,
           (array_agg(cast(extract(epoch from at) * 1000 as bigint) order by number desc)
            filter (where kind = 'reassign'))[1] as moved_ms,
           (array_agg(value order by number desc) filter (where kind = 'assess'))[1] as classification
    from item_acts join items i using (report_id, content_id)
    where report_id = any(cast(:ids as uuid[])) and refused = ''
    and (kind = 'assess' or (kind = 'reassign' and at >= coalesce(i.looked_at, '-infinity')))
    group by report_id, content_id order by report_id, content_id
""")
_BEFORE: Final = text("""
    select own.return_id, done.content_id,
           (array_agg(done.value order by done.number desc) filter (where done.kind = 'reassign'))[1] as country,
           (array_agg(cast(extract(epoch from done.at) * 1000 as bigint) order by done.number desc)
            filter (where done.kind = 'reassign'))[1] as moved_ms,
           (array_agg(done.value order by done.number desc) filter (where done.kind = 'assess'))[1] as classification
    from (
        select return_id, report_id, min(number) as first from item_acts
        where return_id = any(cast(:ids as text[])) group by return_id, report_id
    ) own join item_acts done on done.report_id = own.report_id and done.number < own.first
    join items i on i.report_id = done.report_id and i.content_id = done.content_id
    where done.refused = ''
    and (done.kind = 'assess' or (done.kind = 'reassign' and done.at >= coalesce(i.looked_at, '-infinity')))
    group by own.return_id, done.content_id order by own.return_id, done.content_id
""")
_CHANGED: Final = text("""
    select done.return_id, bool_or(done.kind = 'reassign') as moved
    from item_acts done join items i using (report_id, content_id)
    cross join lateral (
        select coalesce((
            select earlier.value from item_acts earlier
            where earlier.report_id = done.report_id and earlier.content_id = done.content_id
            and earlier.kind = done.kind and earlier.refused = '' and earlier.number < done.number
            and (earlier.kind = 'assess' or earlier.at >= coalesce(i.looked_at, '-infinity'))
            order by earlier.number desc limit 1
        ), case done.kind when 'assess' then i.classification else i.assigned_country end) as value
    ) before
    where done.return_id = any(cast(:ids as text[])) and done.refused = '' and done.kind in ('assess', 'reassign')
    and done.value <> before.value
    group by done.return_id
""")
"""No later revision changes an item once somebody has done anything to it, but where its submitter has looked since."""
