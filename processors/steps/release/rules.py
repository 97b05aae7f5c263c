"""What one recipient may see: ceiling, agreement, handling, the submitter's choices, transfer basis; default deny."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from schemas.disclosure import Audience, Sensitivity, field_rules
from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.referral import Referral, Withheld
from schemas.records.report import PersonalPart, ReportSubmitted
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Sector
from tocsin.policy.rules import Agreement

_AUDIENCES: Final[Mapping[Sector, Audience]] = {
    Sector.HOTLINE: Audience.HOTLINE,
    Sector.NGO: Audience.HOTLINE,
    Sector.LEA: Audience.LEA,
    Sector.INTERNATIONAL: Audience.INTERNATIONAL,
    Sector.PLATFORM: Audience.PLATFORM,
}

GROUPS: Final[Mapping[str, str]] = {
    "source_url": "content",
    "items": "content",
    "platform": "content",
    "incident_types": "circumstances",
    "incident_medium": "circumstances",
    "victim_age_band": "circumstances",
    "annotations": "circumstances",
    "escalation": "circumstances",
    "nexus": "circumstances",
    "declared_country": "circumstances",
    "incident_at": "circumstances",
    "detected_at": "circumstances",
    "law_enforcement": "circumstances",
    "account_suspended": "circumstances",
    "confidence": "circumstances",
    "received_at": "provenance",
    "external_ids": "provenance",
    "reported_elsewhere": "provenance",
    "reporting_obligations": "provenance",
    "legal_basis": "provenance",
    "purpose": "provenance",
    "controller": "provenance",
    "preservation_until": "provenance",
    "source_kind": "provenance",
    "submitter": "submitter",
    "submitter_reference": "submitter",
    "linked_reports": "links",
    "corroboration": "links",
    "novelty": "links",
    "memo": "free_text",
}
"""Which agreement group a field of a referral belongs to; a field of no group runs the exchange and always goes."""


class Recipient(Struct, frozen=True, kw_only=True):
    """For whom: the member as the policy knows it."""

    member: MemberId
    jurisdiction: JurisdictionCode
    country: CountryCode
    sector: Sector


class Released(Struct, frozen=True, kw_only=True):
    """The referral as this recipient gets it, and the personal part where there is a basis for it."""

    referral: Referral
    personal: PersonalPart | None


def release(
    full: Referral, report: ReportSubmitted, personal: PersonalPart | None, recipient: Recipient, bundle: Bundle
) -> Released:
    """Narrow a referral that holds everything to what this recipient may see; say what was withheld and why."""
    audience = _AUDIENCES[recipient.sector]
    groups = _groups(report, recipient, bundle)
    withheld = list(_withheld_fields(full, audience, groups, hides_submitter=report.sharing.hide_submitter))
    cleared = msgspec.structs.replace(full, **{field.path: _default(field.path) for field in withheld})
    if "items" in groups.denied_parts:
        cleared, without_hashes = _without_hashes(cleared)
        withheld += without_hashes
    narrowed, deep = narrow(cleared, audience)
    shown, personal_withheld = _personal(personal, report, recipient, (bundle, groups))
    referral = msgspec.structs.replace(narrowed, withheld=(*withheld, *deep, *personal_withheld))
    return Released(referral=referral, personal=shown)


class _Groups(Struct, frozen=True, kw_only=True):
    """What the agreements between two sectors allow for this report."""

    allowed: frozenset[str]
    rule: str
    denied_parts: frozenset[str]


def _groups(report: ReportSubmitted, recipient: Recipient, bundle: Bundle) -> _Groups:
    agreements = [a for a in bundle.sharing.agreement if _applies(a, report, recipient, bundle)]
    allowed = frozenset(group for agreement in agreements for group in agreement.allow)
    denied = frozenset() if "hashes" in allowed else frozenset({"items"})
    return _Groups(allowed=allowed, rule=_denial(report, agreements), denied_parts=denied)


def _applies(agreement: Agreement, report: ReportSubmitted, recipient: Recipient, bundle: Bundle) -> bool:
    submitter = bundle.members[report.submitter]
    labels = {label.label for item in report.items for label in item.labels}
    return (
        submitter.sector in agreement.submitter_sectors
        and recipient.sector in agreement.recipient_sectors
        and report.handling.tlp.upper() in agreement.tlp
        and labels.isdisjoint((*agreement.deny_labels, *report.sharing.deny_labels))
    )


def _denial(report: ReportSubmitted, agreements: Iterable[Agreement]) -> str:
    if report.handling.tlp.upper() == "RED":
        return "release.tlp_red"
    return "release.not_in_agreement" if any(True for _ in agreements) else "release.no_agreement"


def _withheld_fields(
    full: Referral, audience: Audience, groups: _Groups, *, hides_submitter: bool
) -> Iterator[Withheld]:
    ceilings = field_rules(Referral)
    for name in Referral.__struct_fields__:
        value, rule = getattr(full, name), ceilings[name]
        if value == _DEFAULTS.get(name, _REQUIRED):
            continue
        group = GROUPS.get(name)
        if audience not in rule.release:
            yield Withheld(path=name, rule="release.ceiling")
        elif group is not None and group not in groups.allowed:
            yield Withheld(path=name, rule="release.free_text" if group == "free_text" else groups.rule)
        elif group == "submitter" and hides_submitter:
            yield Withheld(path=name, rule="release.submitter_hidden")


def _without_hashes(referral: Referral) -> tuple[Referral, list[Withheld]]:
    hits = [
        Withheld(path=f"items[{n}].hashes", rule="release.not_in_agreement")
        for n, i in enumerate(referral.items)
        if i.hashes
    ]
    items = tuple(msgspec.structs.replace(item, hashes=()) for item in referral.items)
    return msgspec.structs.replace(referral, items=items), hits


_PersonalRules = tuple[Bundle, _Groups]


def _personal(
    personal: PersonalPart | None, report: ReportSubmitted, recipient: Recipient, rules: _PersonalRules
) -> tuple[PersonalPart | None, tuple[Withheld, ...]]:
    bundle, groups = rules
    if personal is None:
        return None, ()
    if "personal" not in groups.allowed:
        return None, (Withheld(path="personal", rule=groups.rule),)
    source = bundle.members[report.submitter].country
    if not any(source in basis.source and recipient.country in basis.destination for basis in bundle.sharing.transfer):
        return None, (Withheld(path="personal", rule="release.no_transfer_basis"),)
    narrowed, deep = narrow(personal, _AUDIENCES[recipient.sector])
    return narrowed, tuple(Withheld(path=f"personal.{field.path}", rule=field.rule) for field in deep)


Narrowed = Any


def narrow(record: Narrowed, audience: Audience, path: str = "") -> tuple[Narrowed, tuple[Withheld, ...]]:
    """A record, and every record in it, without the fields whose own ceiling does not name the audience."""
    record_type: type[Struct] = type(record)
    denied, nested = _plan(record_type, audience)
    if not denied and not nested:
        return record, ()
    changes: dict[str, Any] = {}
    withheld: list[Withheld] = []
    for name, default in denied:
        if getattr(record, name) != default:
            changes[name] = default
            withheld.append(Withheld(path=f"{path}{name}", rule="release.ceiling"))
    for name in nested:
        inner, deep = _narrow_value(getattr(record, name), audience, f"{path}{name}")
        if deep:
            changes[name] = inner
            withheld += deep
    return (msgspec.structs.replace(record, **changes) if changes else record), tuple(withheld)


def _narrow_value(value: Any, audience: Audience, path: str) -> tuple[Any, tuple[Withheld, ...]]:
    if isinstance(value, Struct):
        return narrow(value, audience, f"{path}.")
    if isinstance(value, tuple) and value and isinstance(value[0], Struct):
        pairs = [narrow(member, audience, f"{path}[{n}].") for n, member in enumerate(value)]
        return tuple(record for record, _ in pairs), tuple(w for _, deep in pairs for w in deep)
    return value, ()


@cache
def _plan(record_type: type[Struct], audience: Audience) -> tuple[tuple[tuple[str, Any], ...], tuple[str, ...]]:
    """Fields to clear with their defaults, and fields that hold records which have something to clear."""
    rules = field_rules(record_type)
    fields = msgspec.structs.fields(record_type)
    denied = tuple(
        (field.name, _field_default(field))
        for field in fields
        if not field.required
        and (audience not in rules[field.name].release or rules[field.name].sensitivity is Sensitivity.FREE_TEXT)
    )
    cleared = {name for name, _ in denied}
    nested = tuple(
        field.name
        for field in fields
        if field.name not in cleared and any(any(_plan(inner, audience)) for inner in _records_in(field.type))
    )
    return denied, nested


def _records_in(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for argument in getattr(kind, "__args__", ()):
        yield from _records_in(argument)


def _field_default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default if field.default is not msgspec.NODEFAULT else field.default_factory()


_REQUIRED: Final = object()
_DEFAULTS: Final = {
    field.name: _field_default(field) for field in msgspec.structs.fields(Referral) if not field.required
}


def _default(name: str) -> Any:
    return _DEFAULTS[name]
