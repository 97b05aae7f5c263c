"""What triage said of one report, in plain values that an expectation is held against."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from processors.evaluation.matching import OPERATORS
from schemas.records.identifiers import ReportId
from schemas.records.referral import Referral, Withheld
from schemas.records.triage import ItemVerdict, Link, ReportTriaged, RouteRefusal

OUTCOME_KEYS: Final = frozenset(
    {
        "outcome",
        "code",
        "removed",
        "novelty",
        "corroboration",
        "links",
        "verdicts",
        "tier",
        "score",
        "uncertainty",
        "reasons",
        "rules",
        "completeness",
        "missing",
        "members",
        "refusals",
        "waiting",
        "flags",
        "withheld",
        "released",
    }
)
"""What an expectation may name; a key of no report is a mistake in the case."""

_OF_MEMBERS: Final = frozenset({"withheld"})
"""Keyed by member before the parts come."""
_PARTS: Final[Mapping[str, frozenset[str]]] = {
    "links": frozenset({*Link.__struct_fields__, "report"}),
    "verdicts": frozenset(ItemVerdict.__struct_fields__),
    "refusals": frozenset(RouteRefusal.__struct_fields__),
    "withheld": frozenset(Withheld.__struct_fields__),
}
"""What the objects in an outcome consist of."""


def unknown_keys(expected: Mapping[str, Any]) -> tuple[str, ...]:
    """What an expectation names and no outcome has: misspelt, it would hold of everything or of nothing."""
    found = [key for key in expected if key not in OUTCOME_KEYS]
    for key, parts in _PARTS.items():
        inner = expected.get(key)
        by_member = inner.values() if key in _OF_MEMBERS and isinstance(inner, Mapping) else (inner,)
        found += [f"{key}.{name}" for one in by_member for name in _names(one) if name not in parts]
    return tuple(sorted(set(found)))


def _names(value: Any) -> Iterator[str]:
    """The keys of the objects in an expectation, whatever operator stands before them."""
    if isinstance(value, list):
        yield from (name for member in value for name in _names(member))
    elif isinstance(value, Mapping) and value.keys() <= OPERATORS:
        yield from (name for member in value.values() for name in _names(member))
    elif isinstance(value, Mapping):
        yield from value


def refused(code: str, removed: tuple[str, ...] = ()) -> dict[str, Any]:
    """A report that goes no further."""
    return {**_EMPTY, "outcome": "refused", "code": code, "removed": list(removed)}


def told(
    triaged: ReportTriaged,
    referrals: tuple[Referral, ...],
    names: Mapping[ReportId, str],
    removed: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A report that was decided; `names` says which reports of the case the links mean."""
    return {
        "outcome": triaged.outcome,
        "code": "",
        "removed": list(removed),
        "novelty": triaged.novelty.value.lower(),
        "corroboration": triaged.corroboration,
        "links": [_link(link, names) for link in triaged.links],
        "verdicts": [_plain(verdict) for verdict in triaged.verdicts],
        "tier": triaged.priority.tier.value.lower(),
        "score": triaged.priority.score,
        "uncertainty": triaged.priority.uncertainty,
        "reasons": list(triaged.priority.reasons),
        "rules": list(triaged.priority.rules),
        "completeness": triaged.completeness.score,
        "missing": list(triaged.completeness.missing),
        "members": [made.recipient for made in referrals if not made.withdrawn],
        "refusals": [_plain(refusal) for refusal in triaged.refusals],
        "waiting": list(triaged.waiting_reasons),
        "flags": list(triaged.flags),
        "withheld": {made.recipient: [_plain(field) for field in made.withheld] for made in referrals},
        "released": {made.recipient: _stated(made) for made in referrals},
    }


_EMPTY: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("outcome", "code", "novelty", "tier"), ""),
    **dict.fromkeys(("corroboration", "score", "uncertainty", "completeness"), 0),
    **{key: [] for key in ("removed", "links", "verdicts", "reasons", "rules", "missing", "members")},
    **{key: [] for key in ("refusals", "waiting", "flags")},
    "withheld": {},
    "released": {},
}


def _link(link: Link, names: Mapping[ReportId, str]) -> dict[str, Any]:
    return _plain(link) | {"report": names.get(link.report_id, "")}


def _plain(record: Any) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain


def _stated(made: Referral) -> list[str]:
    """The names of fields that say something."""
    fields = msgspec.structs.fields(Referral)
    return [field.name for field in fields if field.required or getattr(made, field.name) != _default(field)]


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
