"""What is counted of reports, by month and group: of those that are held, and of those that are erased by now."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Row, TextClause, text

NONE: Final = "none"
"""Where a report has no country, label or recipient."""

DIMENSIONS: Final[Mapping[str, str]] = {
    "month": "to_char(m.month, 'YYYY-MM')",
    "member": f"coalesce(nullif(m.recipient, ''), '{NONE}')",
    "submitter": "m.submitter",
    "jurisdiction": f"coalesce(nullif(m.jurisdiction, ''), '{NONE}')",
    "country": f"coalesce(country, '{NONE}')",
    "label": f"coalesce(label, '{NONE}')",
    "tier": "m.tier",
}
"""By what can be grouped: `member` is who received, `country` where content lies; of several, a report is in each."""


class Times(Struct, frozen=True, kw_only=True):
    """How long something took, in seconds, of those where it happened; None where it happened to none."""

    count: int = 0
    median: float | None = None
    ninetieth: float | None = None


class Group(Struct, frozen=True, kw_only=True):
    """The counts and times of one group of reports."""

    key: tuple[str, ...]
    """One value for each dimension, in their order."""
    reports: int = 0
    complete: int = 0
    completeness: float = 0.0
    """On average, 0 to 100."""
    labelled: int = 0
    """Reports with a label that its scheme publishes."""
    linked: int = 0
    """Reports that were linked to another one."""
    links: int = 0
    """Links of all of them together."""
    items: int = 0
    decided: Times = Times()
    """From submission until the first decision, of reports that were referred to somebody."""
    removed: Times = Times()
    """From the first decision on its report until a hotline said that an item is gone."""
    referrals: int = 0
    """Members that were given a report: a report with two of them counts twice."""
    answered: int = 0
    first_answer: Times = Times()
    """From submission until the member took it up, refused it or told an outcome."""
    escalated: Times = Times()
    """From submission until somebody was called because nobody had taken it up."""
    delivered: Times = Times()
    """From submission until the member's system had it."""
    taken_up: Times = Times()


def gather(connection: Connection, first: date, last: date) -> int:
    """Put what is measured of these months beside, until the transaction ends; tells how many rows that is.

    Live reports alone, by the month in which the exchange first decided on them; both months are included.
    """
    connection.execute(text(f"set local statement_timeout = {_GATHER_MS}"))
    connection.execute(_GATHER, {"first": first.replace(day=1), "last": last.replace(day=1)})
    return int(connection.execute(text("select count(*) from gathered")).scalar_one())


def groups(connection: Connection, by: Sequence[str]) -> tuple[Group, ...]:
    """What was gathered, by these dimensions, or as one group where there is none."""
    of_reports = connection.execute(_grouped(_REPORTS, by)).all()
    referred = {tuple(row.key): row for row in connection.execute(_grouped(_REFERRALS, by))}
    return tuple(_group(row, referred.get(tuple(row.key))) for row in of_reports)


def _grouped(statement: str, by: Sequence[str]) -> TextClause:
    """Only expressions of the table above ever become part of it."""
    key = f"array[{', '.join(DIMENSIONS[name] for name in by)}]::text[]"
    source = " ".join(("gathered m", *(_SPREAD[name] for name in by if name in _SPREAD)))
    return text(statement.replace("KEY", key).replace("SOURCE", source))


def _group(row: Row[Any], referred: Row[Any] | None) -> Group:
    found = Group(
        key=tuple(row.key),
        reports=row.reports,
        complete=row.complete,
        completeness=float(row.completeness),
        labelled=row.labelled,
        linked=row.linked,
        links=row.links,
        items=row.items,
        decided=_times(row.decided, row.decided_at),
        removed=_times(row.removed, row.removed_at),
    )
    if referred is None:
        return found
    return replace(
        found,
        referrals=referred.referrals,
        answered=referred.answered,
        first_answer=_times(referred.timed, referred.answered_at),
        escalated=_times(referred.escalated, referred.escalated_at),
        delivered=_times(referred.delivered, referred.delivered_at),
        taken_up=_times(referred.taken_up, referred.taken_up_at),
    )


def _times(count: int, at: Sequence[float] | None) -> Times:
    median, ninetieth = at or (None, None)
    return Times(count=count, median=median, ninetieth=ninetieth)


_GATHER_MS: Final = 1_800_000
"""A year of reports takes minutes, and nothing waits for it."""
_SPREAD: Final = {
    "country": "left join lateral unnest(m.countries) as country on true",
    "label": "left join lateral unnest(m.labels) as label on true",
}
_GATHER: Final = text("""
    create temporary table gathered on commit drop as
    select * from measures where mark = 'LIVE' and month between :first and :last
""")
_REPORTS: Final = """
    with cases as (
        select distinct on (key, case_id) * from (
            select KEY as key, m.* from SOURCE
        ) rows order by key, case_id
    ), gone as (
        select key, count(*)::integer as removed,
               percentile_cont(array[0.5, 0.9]) within group (order by seconds) as removed_at
        from cases cross join lateral unnest(removed_seconds) as seconds group by key
    ), counted as (
        select key, count(*)::integer as reports, count(*) filter (where is_complete)::integer as complete,
               avg(completeness) as completeness, count(*) filter (where labels <> '{}')::integer as labelled,
               count(*) filter (where links > 0)::integer as linked, coalesce(sum(links), 0)::integer as links,
               coalesce(sum(items), 0)::integer as items, count(decided_seconds)::integer as decided,
               percentile_cont(array[0.5, 0.9]) within group (order by decided_seconds) as decided_at
        from cases group by key
    )
    select counted.*, coalesce(gone.removed, 0) as removed, gone.removed_at
    from counted left join gone using (key) order by key
"""
_REFERRALS: Final = """
    select KEY as key, count(*)::integer as referrals, count(*) filter (where m.is_answered)::integer as answered,
           count(m.answered_seconds)::integer as timed,
           percentile_cont(array[0.5, 0.9]) within group (order by m.answered_seconds) as answered_at,
           count(m.escalated_seconds)::integer as escalated,
           percentile_cont(array[0.5, 0.9]) within group (order by m.escalated_seconds) as escalated_at,
           count(m.delivered_seconds)::integer as delivered,
           percentile_cont(array[0.5, 0.9]) within group (order by m.delivered_seconds) as delivered_at,
           count(m.taken_up_seconds)::integer as taken_up,
           percentile_cont(array[0.5, 0.9]) within group (order by m.taken_up_seconds) as taken_up_at
    from SOURCE where m.recipient <> '' group by 1
"""
