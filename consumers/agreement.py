"""The duplicate agreement: whether a referral is delivered, bundled or counted, given what this member already has."""

from collections.abc import Callable
from enum import StrEnum
from itertools import product

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
    """What to do with what the member was sent before: deliver, bundle or count it."""
    bundle_period_seconds: int = 86_400
    """How much time one bundle covers."""
    selectors: tuple[str, ...] = ("url", "sha256", "sha512")
    """What the member recognises content by: the kinds of content keys that it looks at."""
    window_seconds: int | None = None
    """How long what was delivered counts as known; None for as long as it is kept."""

    def keys_of(self, referral: Referral) -> frozenset[str]:
        """The content keys that count for this member (`kind:digest`)."""
        return frozenset(key for key in referral.content_keys if key.partition(":")[0] in self.selectors)

    def recognises(self, referral: Referral) -> bool:
        """Whether each page and item in it has a key that counts for this member; else one of them may be new."""
        kinds = [frozenset(each.split("+")) for each in referral.content_kinds]
        return bool(kinds) and not any(each.isdisjoint(self.selectors) for each in kinds)

    def since_ms(self, now_ms: int) -> int:
        """From when on what was delivered counts."""
        return 0 if self.window_seconds is None else now_ms - self.window_seconds * 1000


class Standing(Struct, frozen=True, kw_only=True):
    """What this member certainly has of the keys that one referral carries."""

    content: frozenset[str] = frozenset()
    told: frozenset[tuple[str, str]] = frozenset()
    """Content and circumstance that came together: a nexus known from elsewhere is news where the content has none."""

    def beside(self, other: "Standing") -> "Standing":
        """Both together."""
        return Standing(content=self.content | other.content, told=self.told | other.told)


def given_by(referral: Referral) -> Standing:
    """What a member has of it all once it has this referral."""
    pairs = frozenset(product(referral.content_keys, referral.circumstance_keys))
    return Standing(content=frozenset(referral.content_keys), told=pairs)


class Decision(Struct, frozen=True, kw_only=True):
    """What to do with one referral, and the code of the rule that says so."""

    treatment: Treatment
    rule: str


class _Question(Struct, frozen=True, kw_only=True):
    """One referral under one agreement."""

    referral: Referral
    keys: frozenset[str]
    is_recognised: bool
    standing: Standing


def _is_revision(asked: _Question) -> bool:
    referral = asked.referral
    return referral.revision > 1 or referral.ruling > 0 or referral.withdrawn


def _is_pressing(asked: _Question) -> bool:
    referral = asked.referral
    return referral.priority.tier is Tier.URGENT or referral.escalation is not None


def _has_no_content_key(asked: _Question) -> bool:
    return not asked.keys or not asked.is_recognised


def _has_new_circumstance(asked: _Question) -> bool:
    return not asked.standing.told.issuperset(product(asked.keys, asked.referral.circumstance_keys))


def _has_new_content(asked: _Question) -> bool:
    return not asked.standing.content.issuperset(asked.keys)


_DELIVERED_WHATEVER: tuple[tuple[str, Callable[[_Question], bool]], ...] = (
    ("agreement.revision", _is_revision),
    ("agreement.pressing", _is_pressing),
    ("agreement.no_content_key", _has_no_content_key),
    ("agreement.new_content", _has_new_content),
    ("agreement.new_circumstance", _has_new_circumstance),
)
"""Whoever finds a reason to deliver ends the question; only a referral without any is a duplicate."""


def decide(referral: Referral, standing: Standing, agreement: Agreement) -> Decision:
    """Apply the agreement; in doubt, deliver."""
    asked = _Question(
        referral=referral,
        keys=agreement.keys_of(referral),
        is_recognised=agreement.recognises(referral),
        standing=standing,
    )
    for rule, holds in _DELIVERED_WHATEVER:
        if holds(asked):
            return Decision(treatment=Treatment.DELIVER, rule=rule)
    return Decision(treatment=agreement.known_content, rule=f"agreement.known_{agreement.known_content}")


def narrowed(signed: Agreement, asked: Agreement | None) -> Agreement:
    """What holds where the member's own file asks as well: of the two, whatever delivers more and sooner.

    What the member recognises content by is what it signed: neither more nor fewer selectors would always deliver more.
    """
    if asked is None:
        return signed
    windows = [window for window in (signed.window_seconds, asked.window_seconds) if window is not None]
    return Agreement(
        known_content=min(signed.known_content, asked.known_content, key=_DELIVERS_MORE.index),
        bundle_period_seconds=min(signed.bundle_period_seconds, asked.bundle_period_seconds),
        selectors=signed.selectors,
        window_seconds=min(windows, default=None),
    )


_DELIVERS_MORE = (Treatment.DELIVER, Treatment.BUNDLE, Treatment.COUNT)


def bundle_due_ms(received_ms: int, agreement: Agreement) -> int:
    """The end of the period that an instant falls in; periods are counted from the epoch, so a restart agrees."""
    period_ms = agreement.bundle_period_seconds * 1000
    return (received_ms // period_ms + 1) * period_ms
