"""What one recipient may see: ceiling, agreement, handling, the submitter's choices, transfer basis; default deny."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from processors.steps.release.fields import ALWAYS, GROUPS, NEVER, STILL_NEEDED, TELLS_THE_SUBMITTER
from schemas.disclosure import Audience, Sensitivity, field_rules
from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.records.referral import Referral, Withheld
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from tocsin.policy.bundle import Bundle
from tocsin.policy.dates import in_force
from tocsin.policy.members import Sector, day_of
from tocsin.policy.rules import Agreement

_AUDIENCES: Final[Mapping[Sector, Audience]] = {
    Sector.HOTLINE: Audience.HOTLINE,
    Sector.NGO: Audience.HOTLINE,
    Sector.LEA: Audience.LEA,
    Sector.INTERNATIONAL: Audience.INTERNATIONAL,
    Sector.PLATFORM: Audience.PLATFORM,
}


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
    terms = _terms(report, recipient, (bundle, day_of(full.triaged_as_of.epoch_ms)))
    cleared, withheld = _by_group(full, audience, terms)
    cleared, inside = _inside_items(cleared, terms)
    narrowed, deep = narrow(cleared, audience)
    shown, personal_withheld = _personal(personal, recipient, terms)
    referral = msgspec.structs.replace(narrowed, withheld=(*withheld, *inside, *deep, *personal_withheld))
    return Released(referral=referral, personal=shown)


class _Terms(Struct, frozen=True, kw_only=True):
    """What the agreements of the day allow this recipient for this report."""

    allowed: frozenset[str]
    rule: str
    """What the recipient reads where a group is not allowed."""
    has_transfer_basis: bool
    hides_submitter: bool

    def denial(self, field: str) -> str:
        """The rule that withholds a field of a referral, or nothing; a field of no table is withheld."""
        group = GROUPS.get(field)
        if group is None:
            return "" if field in ALWAYS else "release.no_group"
        if group not in self.allowed:
            return NEVER.get(group, self.rule)
        return "release.submitter_hidden" if self.hides_submitter and field in TELLS_THE_SUBMITTER else ""


def _terms(report: ReportSubmitted, recipient: Recipient, policy: tuple[Bundle, date]) -> _Terms:
    bundle, on = policy
    submitter = bundle.members[report.submitter]
    agreements = [
        agreement
        for agreement in in_force(bundle.sharing.agreement, on)
        if _applies(agreement, report, submitter.sector, recipient.sector)
    ]
    allowed = frozenset(group for agreement in agreements for group in agreement.allow)
    return _Terms(
        allowed=allowed - NEVER.keys(),
        rule=_denial(report, agreements),
        has_transfer_basis=any(
            submitter.country in basis.source and recipient.country in basis.destination
            for basis in in_force(bundle.sharing.transfer, on)
        ),
        hides_submitter=report.sharing.hide_submitter,
    )


def _applies(agreement: Agreement, report: ReportSubmitted, submitter: Sector, recipient: Sector) -> bool:
    labels = {label.label for item in report.items for label in item.labels}
    return (
        submitter in agreement.submitter_sectors
        and recipient in agreement.recipient_sectors
        and report.handling.tlp.upper() in agreement.tlp
        and labels.isdisjoint((*agreement.deny_labels, *report.sharing.deny_labels))
    )


def _denial(report: ReportSubmitted, agreements: Sequence[Agreement]) -> str:
    if agreements:
        return "release.not_in_agreement"
    return "release.tlp_red" if report.handling.tlp.upper() == "RED" else "release.no_agreement"


def _by_group(full: Referral, audience: Audience, terms: _Terms) -> tuple[Referral, list[Withheld]]:
    """Field by field: the ceiling first, then the agreements."""
    ceilings = field_rules(Referral)
    changes: dict[str, Any] = {}
    withheld: list[Withheld] = []
    for name, default in _DEFAULTS.items():
        value = getattr(full, name)
        rule = "release.ceiling" if audience not in ceilings[name].release else terms.denial(name)
        if rule and value != default:
            changes[name] = _least(name, value, default)
            withheld += _told(name, value, changes[name], rule)
    return msgspec.structs.replace(full, **changes), withheld


def _least(name: str, value: Any, default: Any) -> Any:
    """What remains of a field that is withheld."""
    kept = {part: getattr(value, part) for part in STILL_NEEDED.get(name, ())}
    return msgspec.structs.replace(default, **kept) if kept else default


def _told(name: str, value: Any, least: Any, rule: str) -> Iterator[Withheld]:
    if name not in STILL_NEEDED:
        yield Withheld(path=name, rule=rule)
        return
    for part in value.__struct_fields__:
        if getattr(value, part) != getattr(least, part):
            yield Withheld(path=f"{name}.{part}", rule=rule)


def _inside_items(referral: Referral, terms: _Terms) -> tuple[Referral, list[Withheld]]:
    """Parts of items that have a group of their own, or that lead to a hidden submitter."""
    denied: dict[str, str] = {}
    if "hashes" not in terms.allowed:
        denied["hashes"] = "release.not_in_agreement"
    if terms.hides_submitter:
        denied["external_ids"] = "release.submitter_hidden"
    withheld = [
        Withheld(path=f"items[{number}].{name}", rule=rule)
        for number, item in enumerate(referral.items)
        for name, rule in denied.items()
        if getattr(item, name)
    ]
    if not withheld:
        return referral, []
    empty = {name: type(getattr(ContentItem(), name))() for name in denied}
    items = tuple(msgspec.structs.replace(item, **empty) for item in referral.items)
    return msgspec.structs.replace(referral, items=items), withheld


def _personal(
    personal: PersonalPart | None, recipient: Recipient, terms: _Terms
) -> tuple[PersonalPart | None, tuple[Withheld, ...]]:
    if personal is None:
        return None, ()
    if "personal" not in terms.allowed:
        return None, (Withheld(path="personal", rule=terms.rule),)
    if not terms.has_transfer_basis:
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


_DEFAULTS: Final = {
    field.name: _field_default(field) for field in msgspec.structs.fields(Referral) if not field.required
}
