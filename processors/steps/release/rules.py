"""What one recipient may see: ceiling, agreements, handling, the submitter's choices, transfer basis; default deny."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec
from msgspec import Struct

from processors.steps.release.agreements import Terms, asked_of, terms
from processors.steps.release.fields import ALWAYS, GROUPS, OF_ITEMS, STILL_NEEDED, TELLS_THE_SUBMITTER
from processors.steps.release.labels import Labels, Words, labels_of
from processors.steps.release.narrowing import default_of, narrow
from schemas.disclosure import Audience, field_rules
from schemas.records.identifiers import ContentId, CountryCode, JurisdictionCode, MemberId
from schemas.records.referral import Referral, Withheld
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Sector, day_of
from tocsin.policy.memory import Memory
from tocsin.policy.sharing import AUDIENCES


class Recipient(Struct, frozen=True, kw_only=True, gc=False):
    """For whom: the member as the policy knows it."""

    member: MemberId
    jurisdiction: JurisdictionCode
    country: CountryCode
    sector: Sector
    has_sealing_key: bool = True
    """Whether a personal part can be sealed to it."""


class Subject(Struct, frozen=True, kw_only=True, gc=False):
    """One report as release looks at it: the same for every recipient, so it is made once."""

    report: ReportSubmitted
    personal: PersonalPart | None
    labels: Labels
    on: date
    asked: Hashable | None
    """What the terms of each recipient follow from; None where that is too much to remember."""


def subject(full: Referral, report: ReportSubmitted, personal: PersonalPart | None, bundle: Bundle) -> Subject:
    """What a referral that holds everything is about, on the day it was decided."""
    on = day_of(full.triaged_as_of.epoch_ms)
    labels = labels_of(full, bundle, on)
    asked = asked_of(report, on) if _words_of(report, labels) <= _MOST_REMEMBERED else None
    return Subject(report=report, personal=personal, labels=labels, on=on, asked=asked)


_MOST_REMEMBERED: Final = 20
"""Words of one report: what a member names must not fill a bundle's memory."""


def _words_of(report: ReportSubmitted, labels: Labels) -> int:
    """How many words of the submitter's own the terms depend on."""
    choices = report.sharing
    denied = (choices.deny_members, choices.deny_sectors, choices.deny_countries, choices.deny_labels)
    return len(labels.whole) + sum(map(len, denied))


class Released(Struct, frozen=True, kw_only=True, gc=False):
    """The referral as this recipient gets it, and the personal part where there is a basis for it."""

    referral: Referral
    personal: PersonalPart | None


def release(full: Referral, about: Subject, recipient: Recipient, bundle: Bundle) -> Released:
    """Narrow a referral that holds everything to what this recipient may see; say what was withheld and why."""
    clearance = _clearance(about, recipient, bundle)
    cleared, withheld = _by_group(full, clearance)
    cleared, inside = _items(cleared, clearance)
    narrowed, deep = narrow(cleared, clearance.audience)
    shown, personal_withheld = _personal(about.personal, clearance)
    told = clearance.told((*withheld, *inside, *deep, *personal_withheld))
    return Released(referral=msgspec.structs.replace(narrowed, withheld=told), personal=shown)


class _Clearance(Struct, frozen=True, kw_only=True, gc=False):
    """One recipient before one report: its class, the terms of the day, and the labels that decide."""

    audience: Audience
    terms: Terms
    has_sealing_key: bool
    whole: "_Plan"
    """For the labels of the report as a whole."""
    items: tuple["_Plan", ...]
    """For the labels of each item."""

    @property
    def denials(self) -> Mapping[str, str]:
        """By group of fields of the report: the rule that withholds it, or nothing."""
        return self.whole.denials

    def of_item(self, number: int, group: str) -> str:
        """The rule that withholds a group of one item, or nothing."""
        return self.items[number].denials[group]

    def of_verdict(self, numbers: Sequence[int]) -> str:
        """The rule that withholds a verdict on these items; one on no item speaks of the whole report."""
        plans = [self.items[number] for number in numbers] or [self.whole]
        return next(filter(None, (plan.denials["assessment"] for plan in plans)), "")

    @property
    def shows_items_whole(self) -> bool:
        """Whether nothing of any item or verdict is withheld: most often so, and then nothing is looked at."""
        return not self.terms.hides_submitter and all(plan.shows_items for plan in (self.whole, *self.items))

    def inside(self, number: int) -> dict[str, str]:
        """Parts of an item that are seen that have a group of their own or lead to a hidden submitter, and the rule."""
        hidden = "release.submitter_hidden" if self.terms.hides_submitter else ""
        parts = {"hashes": self.of_item(number, "hashes"), "external_ids": hidden}
        return {name: rule for name, rule in parts.items() if rule}

    def told(self, withheld: tuple[Withheld, ...]) -> tuple[Withheld, ...]:
        """What a recipient reads of what it does not see: a field like any other, of which at least the rule stays."""
        rule = self.denials["withheld"]
        return (Withheld(path="withheld", rule=rule),) if rule and withheld else withheld


def _clearance(about: Subject, recipient: Recipient, bundle: Bundle) -> _Clearance:
    labels, audience = about.labels, AUDIENCES[recipient.sector]
    found, whole = _known_of_whole(about, recipient, bundle)
    planned = (
        whole if of_item == labels.whole else _planned(audience, found, bundle.memory, of_item)
        for of_item in labels.items
    )
    return _Clearance(
        audience=audience,
        terms=found,
        has_sealing_key=recipient.has_sealing_key,
        whole=whole,
        items=tuple(planned),
    )


def _known_of_whole(about: Subject, recipient: Recipient, bundle: Bundle) -> tuple[Terms, "_Plan"]:
    if about.asked is None:
        return _of_whole(about, recipient, bundle)
    key = ("whole", recipient.member, recipient.sector, about.asked, about.labels.whole)
    return bundle.memory.recall(key, lambda: _of_whole(about, recipient, bundle))


def _of_whole(about: Subject, recipient: Recipient, bundle: Bundle) -> tuple[Terms, "_Plan"]:
    """The terms, and what they withhold of a report that is labelled like this one."""
    found = terms(about.report, bundle.members[recipient.member], bundle, about.on)
    return found, _planned(AUDIENCES[recipient.sector], found, bundle.memory, about.labels.whole)


class _Plan(Struct, frozen=True, kw_only=True):
    """What is withheld from one class of readers under the same terms and labels: the same for every report."""

    denials: Mapping[str, str]
    """By group of fields."""
    fields: tuple[tuple[str, str], ...]
    """Each field of a referral that is withheld, and the rule."""
    shows_items: bool
    """Whether an item with these labels, and what is said of it, is shown whole."""


def _planned(audience: Audience, found: Terms, memory: Memory, labels: tuple[Words, ...]) -> _Plan:
    return memory.recall(("plan", audience, found.key, labels), lambda: _plan(audience, found, labels))


def _plan(audience: Audience, found: Terms, labels: tuple[Words, ...]) -> _Plan:
    """Field by field: the ceiling first, then the agreements."""
    ceilings = field_rules(Referral)
    denials = {group: found.denial(group, labels) for group in _DECIDED}
    rules = {
        name: _denial(name, denials, found) if audience in ceilings[name].release else "release.ceiling"
        for name in _DEFAULTS
    }
    return _Plan(
        denials=denials,
        fields=tuple((name, rule) for name, rule in rules.items() if rule),
        shows_items=not any(denials[group] for group in _SHOWN_OF_ITEMS),
    )


def _denial(field: str, denials: Mapping[str, str], found: Terms) -> str:
    """The rule that withholds a field of a referral, or nothing; a field of no table is withheld."""
    group = GROUPS.get(field)
    if group is None:
        return "" if field in ALWAYS else "release.no_group"
    if field not in OF_ITEMS and (rule := denials[group]):
        return rule
    return "release.submitter_hidden" if found.hides_submitter and field in TELLS_THE_SUBMITTER else ""


_DECIDED: Final = frozenset(GROUPS.values()) | {"personal", "hashes"}
_SHOWN_OF_ITEMS: Final = ("content", "hashes", "assessment")


def _by_group(full: Referral, clearance: _Clearance) -> tuple[Referral, list[Withheld]]:
    """Empty each field that is withheld, and tell of those that held something."""
    changes: dict[str, Any] = {}
    withheld: list[Withheld] = []
    for name, rule in clearance.whole.fields:
        value, default = getattr(full, name), _DEFAULTS[name]
        if value != default:
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


def _items(referral: Referral, clearance: _Clearance) -> tuple[Referral, list[Withheld]]:
    """Items and their verdicts, each by its own labels."""
    if clearance.shows_items_whole:
        return referral, []
    items, withheld = _shown_items(referral.items, clearance)
    places: dict[ContentId, list[int]] = {}
    for number, item in enumerate(referral.items):
        places.setdefault(item.content_id, []).append(number)
    rules = [clearance.of_verdict(places.get(verdict.content_id, ())) for verdict in referral.verdicts]
    verdicts = tuple(one for one, rule in zip(referral.verdicts, rules, strict=True) if not rule)
    withheld += (Withheld(path=f"verdicts[{number}]", rule=rule) for number, rule in enumerate(rules) if rule)
    return msgspec.structs.replace(referral, items=items, verdicts=verdicts), _as_wholes(withheld, items, verdicts)


def _shown_items(
    items: tuple[ContentItem, ...], clearance: _Clearance
) -> tuple[tuple[ContentItem, ...], list[Withheld]]:
    """A withheld item keeps its place, empty, so that positions mean the same to everybody."""
    shown: list[ContentItem] = []
    withheld: list[Withheld] = []
    for number, item in enumerate(items):
        if rule := clearance.of_item(number, "content"):
            withheld.append(Withheld(path=f"items[{number}]", rule=rule))
            shown.append(_NO_ITEM)
            continue
        denied = {name: rule for name, rule in clearance.inside(number).items() if getattr(item, name)}
        withheld += (Withheld(path=f"items[{number}].{name}", rule=rule) for name, rule in denied.items())
        emptied = {name: getattr(_NO_ITEM, name) for name in denied}
        shown.append(msgspec.structs.replace(item, **emptied) if emptied else item)
    are_all_gone = all(item is _NO_ITEM for item in shown)
    return () if are_all_gone else tuple(shown), withheld


_NO_ITEM: Final = ContentItem()


def _as_wholes(withheld: list[Withheld], items: Sequence[object], verdicts: Sequence[object]) -> list[Withheld]:
    """A field of which nothing is left is told as one."""
    told = {"items": bool(items), "verdicts": bool(verdicts)}
    found: dict[str, Withheld] = {}
    for field in withheld:
        name = field.path.partition("[")[0]
        whole = Withheld(path=name, rule=field.rule)
        found.setdefault(field.path if told[name] else name, field if told[name] else whole)
    return list(found.values())


def _personal(personal: PersonalPart | None, clearance: _Clearance) -> tuple[PersonalPart | None, tuple[Withheld, ...]]:
    if personal is None:
        return None, ()
    if rule := _against_personal(clearance):
        return None, (Withheld(path="personal", rule=rule),)
    narrowed, deep = narrow(personal, clearance.audience)
    return narrowed, tuple(Withheld(path=f"personal.{field.path}", rule=field.rule) for field in deep)


def _against_personal(clearance: _Clearance) -> str:
    """The rule that withholds the personal part, or nothing; agreements and law come before means."""
    if rule := clearance.denials["personal"]:
        return rule
    if not clearance.terms.rows.has_transfer_basis:
        return "release.no_transfer_basis"
    return "" if clearance.has_sealing_key else "release.no_sealing_key"


_DEFAULTS: Final = {field.name: default_of(field) for field in msgspec.structs.fields(Referral) if not field.required}
