"""The duplicate agreement: whether a referral is delivered, bundled or counted, given what this member already has."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from schemas.records.referral import Referral
from schemas.records.values import Tier


class Treatment(StrEnum):
    """What a member wants done with content that it certainly has already."""

    DELIVER = "deliver"
    BUNDLE = "bundle"
    COUNT = "count"


class Agreement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one member signed about duplicates; without an agreement everything is delivered."""

    known_content: Treatment = Treatment.DELIVER
    bundle_period_seconds: int = 86_400


class Standing(Struct, frozen=True, kw_only=True):
    """The keys, of those that one referral carries, which stand on something this member certainly has."""

    content: frozenset[str] = frozenset()
    circumstances: frozenset[str] = frozenset()


class Decision(Struct, frozen=True, kw_only=True):
    """What to do with one referral, and the code of the rule that says so."""

    treatment: Treatment
    rule: str


def _is_revision(referral: Referral, _: Standing) -> bool:
    return referral.revision > 1 or referral.withdrawn


def _is_pressing(referral: Referral, _: Standing) -> bool:
    return referral.priority.tier is Tier.URGENT or referral.escalation is not None


def _has_no_content_key(referral: Referral, _: Standing) -> bool:
    return not referral.content_keys


def _has_new_circumstance(referral: Referral, standing: Standing) -> bool:
    return not standing.circumstances.issuperset(referral.circumstance_keys)


def _has_new_content(referral: Referral, standing: Standing) -> bool:
    return not standing.content.issuperset(referral.content_keys)


_DELIVERED_WHATEVER: tuple[tuple[str, Callable[[Referral, Standing], bool]], ...] = (
    ("agreement.revision", _is_revision),
    ("agreement.pressing", _is_pressing),
    ("agreement.no_content_key", _has_no_content_key),
    ("agreement.new_circumstance", _has_new_circumstance),
    ("agreement.new_content", _has_new_content),
)
"""Whoever finds a reason to deliver ends the question; only a referral without any is a duplicate."""


def decide(referral: Referral, standing: Standing, agreement: Agreement) -> Decision:
    """Apply the agreement; in doubt, deliver."""
    for rule, holds in _DELIVERED_WHATEVER:
        if holds(referral, standing):
            return Decision(treatment=Treatment.DELIVER, rule=rule)
    return Decision(treatment=agreement.known_content, rule=f"agreement.known_{agreement.known_content}")


def narrowed(signed: Agreement, asked: Agreement | None) -> Agreement:
    """What holds where the member's own file asks as well: of the two, whatever delivers more."""
    if asked is None:
        return signed
    return min((signed, asked), key=lambda agreement: _DELIVERS_MORE.index(agreement.known_content))


_DELIVERS_MORE = (Treatment.DELIVER, Treatment.BUNDLE, Treatment.COUNT)


def bundle_due_ms(received_ms: int, agreement: Agreement) -> int:
    """The end of the period that an instant falls in; periods are counted from the epoch, so a restart agrees."""
    period_ms = agreement.bundle_period_seconds * 1000
    return (received_ms // period_ms + 1) * period_ms
