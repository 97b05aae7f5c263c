"""Content items in the ledger: as triage found them, and what recipients did to them since, in order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import text

from schemas.item_state import Act, ActKind, ItemState, replayed
from schemas.records.identifiers import ContentId, MemberId, ReportId
from tocsin.runtime.pipeline import Query, Rows

ItemKey = tuple[ReportId, ContentId]


class ItemMade(Struct, frozen=True, kw_only=True):
    """One item of one revision as triage found it; a report without items has one with an empty id."""

    report_id: ReportId
    content_id: ContentId
    revision: int
    hosting_country: str = ""
    assigned_country: str = ""
    classification: str = ""
    is_described: bool = False
    """Whether its page is described well enough to be monitored."""
    looked_at_ms: int | None = None
    """When its submitter saw that it lies there, where it says so."""


class ActDone(Struct, frozen=True, kw_only=True):
    """One act of one return, with the code of its refusal where it broke a rule."""

    return_id: str
    position: int
    report_id: ReportId
    content_id: ContentId
    member: MemberId
    act: Act
    refused: str
    at_ms: int


def item_queries(made: Sequence[ItemMade]) -> Iterator[Query]:
    """Write items down; a later revision describes the page anew, and changes what nobody has done anything to.

    Where its submitter has looked since an item was moved, it is assigned to where it was seen, unless somebody acted.
    """
    latest = {(one.report_id, one.content_id): one for one in sorted(made, key=lambda one: one.revision)}
    columns = {name: [getattr(one, name) for one in latest.values()] for name in ItemMade.__struct_fields__}
    if any(one.revision > 1 for one in latest.values()):
        yield Query(_DESCRIBED, columns)
        yield Query(_LOOKED, columns)
    yield Query(_ITEMS, columns)


def items_locked(report_ids: Iterable[ReportId], return_ids: Sequence[str]) -> tuple[Query, Query, Query]:
    """Asks where the items of these reports stand, and which of these returns were decided already.

    Nobody else decides on those items until the transaction ends.
    """
    ids = {"ids": sorted(set(report_ids))}
    return Query(_LOCK, ids), Query(_ACCEPTED, ids), Query(_DECIDED, {"ids": list(return_ids)})


def states_in(items: Rows, accepted: Rows) -> Mapping[ItemKey, ItemState]:
    """Where they stand, after all that was done to them."""
    done: dict[ItemKey, list[Act]] = {}
    for row in accepted:
        done.setdefault(_key(row.report_id, row.content_id), []).append(Act(kind=ActKind(row.kind), value=row.value))
    states = ((_key(row.report_id, row.content_id), _state(row)) for row in items)
    return {key: replayed(state, done.get(key, ())) for key, state in states}


def decided_in(rows: Rows) -> dict[str, str]:
    """By return that was decided already, its refusal; empty where all of it was accepted."""
    return {row.return_id: row.refused for row in rows}


def acts_noted(acts: Sequence[ActDone]) -> Sequence[Query]:
    """Writes down what was done and what was refused, in order."""
    return [Query(_ACT, _act_row(act)) for act in acts]


def _key(report_id: object, content_id: str) -> ItemKey:
    return ReportId(str(report_id)), ContentId(content_id)


def _state(row: object) -> ItemState:
    return ItemState(**{name: getattr(row, name) for name in _STATED})


def _act_row(done: ActDone) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(done, name) for name in _NOTED}
    at = datetime.fromtimestamp(done.at_ms / 1000, UTC)
    return row | {"kind": done.act.kind.value, "value": done.act.value, "at": at}


_STATED: Final = ("hosting_country", "assigned_country", "classification", "is_described")
_NOTED: Final = ("return_id", "position", "report_id", "content_id", "member", "refused")
_ITEMS: Final = text("""
    insert into items (report_id, content_id, revision, hosting_country, assigned_country, classification, is_described)
    select * from unnest(cast(:report_id as uuid[]), cast(:content_id as text[]), cast(:revision as integer[]),
                         cast(:hosting_country as text[]), cast(:assigned_country as text[]),
                         cast(:classification as text[]), cast(:is_described as boolean[]))
                         as found (report_id, content_id, revision)
    order by 1, 2, 3
    on conflict (report_id, content_id) do update
    set revision = excluded.revision, hosting_country = excluded.hosting_country,
        assigned_country = excluded.assigned_country, classification = excluded.classification
    where items.revision < excluded.revision and not exists (
        select from item_acts done
        where done.report_id = items.report_id and done.content_id = items.content_id and done.refused = '')
""")
_DESCRIBED: Final = text("""
    update items set is_described = found.is_described
    from unnest(cast(:report_id as uuid[]), cast(:content_id as text[]), cast(:revision as integer[]),
                cast(:is_described as boolean[])) as found (report_id, content_id, revision, is_described)
    where items.report_id = found.report_id and items.content_id = found.content_id
    and items.revision < found.revision and items.is_described <> found.is_described
""")
"""Whoever fills in what a page lacked is heard also where somebody has acted on the item."""
_LOOKED: Final = text("""
    update items set hosting_country = seen.country, assigned_country = seen.country, looked_at = seen.at
    from (
        select found.*, to_timestamp(found.looked_at_ms / 1000.0) as at
        from unnest(cast(:report_id as uuid[]), cast(:content_id as text[]), cast(:revision as integer[]),
                    cast(:assigned_country as text[]), cast(:looked_at_ms as bigint[]))
                    as found (report_id, content_id, revision, country, looked_at_ms)
        where found.looked_at_ms is not null and found.country <> ''
    ) seen
    where items.report_id = seen.report_id and items.content_id = seen.content_id and items.revision < seen.revision
    and (items.looked_at is null or items.looked_at < seen.at)
    and not exists (
        select from item_acts done where done.report_id = items.report_id and done.content_id = items.content_id
        and done.refused = '' and done.kind = 'act')
    and seen.at > (
        select max(done.at) from item_acts done
        where done.report_id = items.report_id and done.content_id = items.content_id
        and done.refused = '' and done.kind = 'reassign')
""")
"""Who looks later than a move was told knows better where an item lies: the same rule as `processors.amending`."""
_LOCK: Final = text("""
    select report_id, content_id, hosting_country, assigned_country, classification, is_described from items
    where report_id = any(cast(:ids as uuid[])) order by report_id, content_id for update
""")
"""Always in the same order, so that two workers cannot wait for each other."""
_ACCEPTED: Final = text("""
    select report_id, content_id, kind, value from item_acts done join items i using (report_id, content_id)
    where report_id = any(cast(:ids as uuid[])) and refused = ''
    and not (kind in ('rehost', 'reassign') and at < coalesce(i.looked_at, '-infinity')) order by number
""")
_DECIDED: Final = text("""
    select return_id, max(refused) as refused from item_acts
    where return_id = any(cast(:ids as text[])) group by return_id
""")
_ACT: Final = text("""
    insert into item_acts (return_id, position, report_id, content_id, member, kind, value, refused, at)
    values (:return_id, :position, :report_id, :content_id, :member, :kind, :value, :refused, :at)
    on conflict do nothing
""")
