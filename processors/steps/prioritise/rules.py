"""How soon a person should look: gates, weighted factors that are present, caps, then the tier with its deadline."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.triage import ItemVerdict, Priority
from schemas.records.values import Instant, Novelty, Ternary, Tier, Verdict
from tocsin.policy.rules import PriorityRules, TierBound

_HOUR_MS: Final = 3_600_000
_RECENT_MS: Final = 30 * 24 * _HOUR_MS
_MANY_ITEMS: Final = 10
_ORDER: Final = (Tier.LOW, Tier.NORMAL, Tier.HIGH, Tier.URGENT)


class Facts(Struct, frozen=True, kw_only=True):
    """What priority looks at; `novelty` and `corroboration` come from the claim."""

    report: ReportSubmitted
    personal: PersonalPart | None = None
    verdicts: tuple[ItemVerdict, ...] = ()
    novelty: Novelty = Novelty.UNKNOWN
    corroboration: int = 0
    known_account: bool = False
    now_ms: int


Condition = Callable[[Facts], bool | None]
"""True where it holds, False where it does not, None where nothing is known."""


def gates(facts: Facts, rules: PriorityRules) -> tuple[str, ...]:
    """The gates that fire: each makes the report urgent whatever else is known."""
    return tuple(gate.when for gate in rules.gate if CONDITIONS[gate.when](facts))


def prioritise(facts: Facts, rules: PriorityRules) -> Priority:
    """Tier, score, reasons and uncertainty; missing is uncertainty and never zero."""
    fired = set(gates(facts, rules))
    values = {factor.when: CONDITIONS[factor.when](facts) for factor in rules.factor}
    present = [factor for factor in rules.factor if values[factor.when]]
    total = sum(factor.weight for factor in rules.factor)
    score = min(100.0, sum(factor.weight for factor in present))
    caps = [cap for cap in rules.cap if CONDITIONS[cap.when](facts)] if not fired else []
    bound = _bound(score, rules, ceiling=[Tier(cap.tier) for cap in caps], urgent=bool(fired))
    return Priority(
        tier=Tier(bound.tier),
        score=score,
        uncertainty=sum(f.weight for f in rules.factor if values[f.when] is None) / total if total else 0.0,
        deadline=Instant(epoch_ms=facts.now_ms + int(bound.deadline_hours * _HOUR_MS)),
        reasons=(
            *(g.reason for g in rules.gate if g.when in fired),
            *(f.reason for f in present),
            *(c.reason for c in caps),
        ),
        rules=(
            *(f"gate.{when}" for when in sorted(fired)),
            *(f"factor.{f.when}" for f in present),
            *(f"cap.{c.when}" for c in caps),
        ),
        ruleset_version=rules.version,
    )


def _bound(score: float, rules: PriorityRules, *, ceiling: list[Tier], urgent: bool) -> TierBound:
    by_tier = {Tier(bound.tier): bound for bound in rules.tier}
    if urgent:
        return by_tier[Tier.URGENT]
    reached = next(Tier(bound.tier) for bound in rules.tier if score >= bound.least_score)
    return by_tier[min((reached, *ceiling), key=_ORDER.index)]


def _any_known(values: list[Ternary]) -> bool | None:
    if Ternary.YES in values:
        return True
    return False if values and Ternary.UNKNOWN not in values else None


def _annotated(*codes: str) -> Condition:
    wanted = frozenset(codes)

    def holds(facts: Facts) -> bool:
        report = facts.report
        return not wanted.isdisjoint((*report.annotations, *report.incident_types)) or any(
            not wanted.isdisjoint(item.annotations) for item in report.items
        )

    return holds


def _escalated_because(*codes: str) -> Condition:
    return lambda facts: facts.report.escalation is not None and facts.report.escalation.reason_code in codes


def _either(*conditions: Condition) -> Condition:
    """One that holds is enough; otherwise what is not known stays not known."""

    def holds(facts: Facts) -> bool | None:
        values = [condition(facts) for condition in conditions]
        return True if any(values) else (None if None in values else False)

    return holds


def _youngest_in(*bands: str) -> Condition:
    wanted, unknown = frozenset(bands), frozenset({"", "not_categorised"})

    def holds(facts: Facts) -> bool | None:
        stated = {facts.report.victim_age_band, *(item.apparent_age_band for item in facts.report.items)} - unknown
        return bool(stated & wanted) if stated else None

    return holds


def _is_recent(facts: Facts) -> bool | None:
    at = facts.report.incident_at or facts.report.detected_at
    return facts.now_ms - at.epoch_ms <= _RECENT_MS if at else None


def _is_live(facts: Facts) -> bool | None:
    return _any_known([item.live_stream for item in facts.report.items]) or _annotated("live_streaming", "live_stream")(
        facts
    )


def _has_prior_reports(facts: Facts) -> bool | None:
    counts = [account.prior_reports for account in facts.personal.accounts] if facts.personal else []
    known = [count for count in counts if count is not None]
    return facts.known_account or (any(known) if known else None)


def _is_ai_only(facts: Facts) -> bool:
    items = facts.report.items
    return bool(items) and all(
        item.ai_signals and item.viewed_by_reporter is not Ternary.YES and not item.labels for item in items
    )


def _is_new(facts: Facts) -> bool | None:
    return None if facts.novelty is Novelty.UNKNOWN else facts.novelty is Novelty.NEW


CONDITIONS: Final[Mapping[str, Condition]] = {
    "escalated": lambda facts: facts.report.escalation is not None,
    "imminent_danger": _either(
        _escalated_because("imminent_danger", "live_now", "suicide_risk"), _annotated("imminent_danger")
    ),
    "live_stream": _is_live,
    "sextortion": _annotated("sextortion"),
    "sadistic": _annotated("sadistic_online_exploitation"),
    "trafficking": _annotated("trafficking"),
    "contact_abuse": _either(
        _annotated("molestation", "production", "contact_abuse"), _escalated_because("contact_abuse")
    ),
    "infant": _either(_youngest_in("infant", "0-2"), _annotated("infant")),
    "prepubescent": _youngest_in("infant", "prepubescent", "0-2", "3-6", "7-10"),
    "new_content": _is_new,
    "recent_incident": _is_recent,
    "prior_reports": _has_prior_reports,
    "several_members": lambda facts: None if facts.novelty is Novelty.UNKNOWN else facts.corroboration > 0,
    "many_items": lambda facts: len(facts.report.items) >= _MANY_ITEMS,
    "baseline": lambda facts: any(verdict.verdict is Verdict.BASELINE for verdict in facts.verdicts),
    "suspect_known": lambda facts: (
        any(a.role == "suspect" for a in facts.personal.accounts) if facts.personal else None
    ),
    "viral": _annotated("viral", "meme", "batched"),
    "informational": _annotated("informational", "spam"),
    "ai_only": _is_ai_only,
    "identified_victim": lambda facts: _any_known([item.victim_identified for item in facts.report.items]),
}
"""What a rule file may name; a name that is not here does not load."""
