"""How soon a person should look: gates, weighted factors that are present, caps, then the tier with its deadline."""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from processors.steps.prioritise.signals import CONDITIONS, Facts, Signals, signals_of
from schemas.records.triage import Priority
from schemas.records.values import Instant, Tier
from tocsin.policy.rules import Cap, Factor, PriorityRules, TierBound

_HOUR_MS: Final = 3_600_000
_MOST: Final = 100.0
_ORDER: Final[tuple[str, ...]] = (Tier.LOW, Tier.NORMAL, Tier.HIGH, Tier.URGENT)


def gates(facts: Facts, rules: PriorityRules) -> tuple[str, ...]:
    """The gates that fire: each makes the report urgent whatever else is known."""
    signals = signals_of(facts)
    return tuple(gate.when for gate in rules.gate if CONDITIONS[gate.when](signals, None))


def prioritise(facts: Facts, rules: PriorityRules) -> Priority:
    """Tier, score, reasons and uncertainty; missing is uncertainty and never zero."""
    signals = signals_of(facts)
    fired = [gate for gate in rules.gate if CONDITIONS[gate.when](signals, None)]
    ups, downs = _weighed(rules.factor, signals), _weighed(rules.reduction, signals)
    caps = [] if fired else [cap for cap in rules.cap if CONDITIONS[cap.when](signals, None)]
    score = min(_MOST, max(0.0, ups.total - downs.total, *(gate.least_score for gate in fired)))
    bound = _bound(score, rules, caps, is_urgent=bool(fired))
    return Priority(
        tier=Tier(bound.tier),
        score=round(score, 1),
        uncertainty=ups.unknown,
        deadline=Instant(epoch_ms=facts.now_ms + int(bound.deadline_hours * _HOUR_MS)),
        reasons=(
            *[gate.reason for gate in fired],
            *[factor.reason for factor in (*ups.present, *downs.present)],
            *[cap.reason for cap in caps],
        ),
        rules=(
            *sorted([f"gate.{gate.when}" for gate in fired]),
            *[f"factor.{factor.when}" for factor in ups.present],
            *[f"reduction.{factor.when}" for factor in downs.present],
            *[f"cap.{cap.when}" for cap in caps],
        ),
        ruleset_version=rules.version,
    )


class _Weighed(Struct, frozen=True, kw_only=True, gc=False):
    """A table of factors held against one report."""

    total: float
    present: list[Factor]
    unknown: float
    """Share of the table's weight of which nothing is known."""


def _weighed(factors: Iterable[Factor], signals: Signals) -> _Weighed:
    present: list[Factor] = []
    total = unknown = everything = 0.0
    for factor in factors:
        strength = CONDITIONS[factor.when](signals, factor.half_life_days)
        everything += factor.weight
        if strength is None:
            unknown += factor.weight
        elif strength:
            total += factor.weight * strength
            present.append(factor)
    return _Weighed(total=total, present=present, unknown=unknown / everything if everything else 0.0)


def _bound(score: float, rules: PriorityRules, caps: Iterable[Cap], *, is_urgent: bool) -> TierBound:
    reached = next(bound for bound in rules.tier if score >= bound.least_score)
    lowest = min([reached.tier, *(cap.tier for cap in caps)], key=_ORDER.index)
    tier = Tier.URGENT if is_urgent else lowest
    return reached if tier == reached.tier else next(bound for bound in rules.tier if bound.tier == tier)
