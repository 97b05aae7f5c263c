"""What priority.toml must keep to: words that the step knows, numbers that make sense, rules that can be reached."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Final

from schemas.records.identifiers import MemberId
from schemas.records.values import Tier
from tocsin.policy.members import Member
from tocsin.policy.problems import Problem, one_of, unknown_words
from tocsin.policy.rules import Factor, Override, PriorityRules
from tocsin.policy.words import CONDITIONS, TIMED_CONDITIONS

PRIORITY: Final = "priority.toml"
_TIERS: Final = frozenset(tier.value for tier in Tier if tier is not Tier.UNKNOWN)
_TABLES: Final = ("gate", "factor", "reduction", "cap")
_MOST: Final = 100.0


def priority_problems(rules: PriorityRules, members: Mapping[MemberId, Member]) -> Iterator[Problem]:
    """Everything that is wrong with the rules, and with what members weigh otherwise."""
    for table in _TABLES:
        for number, rule in enumerate(getattr(rules, table)):
            where = (PRIORITY, f"{table}[{number}].when")
            yield from unknown_words("policy.unknown_condition", where, [rule.when], CONDITIONS)
            if not rule.reason.strip():
                yield _problem("policy.no_reason", f"{table}[{number}].reason", "what an officer reads", "nothing")
    for table in ("cap", "tier"):
        for number, rule in enumerate(getattr(rules, table)):
            yield from unknown_words("policy.unknown_tier", (PRIORITY, f"{table}[{number}].tier"), [rule.tier], _TIERS)
    yield from _gate_problems(rules)
    for table in ("factor", "reduction"):
        for number, factor in enumerate(getattr(rules, table)):
            yield from _factor_problems(factor, f"{table}[{number}]")
    yield from _contradictions(rules)
    yield from _tier_problems(rules)
    yield from unknown_words("policy.unknown_tier", (PRIORITY, "asking.tiers"), rules.asking.tiers, _TIERS)
    if not 0 <= rules.asking.below_completeness <= _MOST:
        yield _problem("policy.weight", "asking.below_completeness", "0 to 100", str(rules.asking.below_completeness))
    for number, override in enumerate(rules.override):
        yield from _override_problems(override, f"override[{number}]", rules, members)


def _gate_problems(rules: PriorityRules) -> Iterator[Problem]:
    for number, gate in enumerate(rules.gate):
        told = (f"gate[{number}].least_score", "policy.weight", "0 to 100")
        yield from _impossible([gate.least_score], 0.0, told)


def _factor_problems(factor: Factor, key: str) -> Iterator[Problem]:
    if not 0 < factor.weight <= _MOST:
        yield _problem("policy.weight", f"{key}.weight", "a number above 0, at most 100", str(factor.weight))
    half_life = factor.half_life_days
    if half_life is None:
        return
    if factor.when not in TIMED_CONDITIONS:
        expected = f"no half-life, which only {', '.join(sorted(TIMED_CONDITIONS))} may have"
        yield _problem("policy.half_life", f"{key}.half_life_days", expected, str(half_life))
    elif not 0 < half_life <= _LONGEST_HALF_LIFE_DAYS:
        yield _problem("policy.half_life", f"{key}.half_life_days", "more than 0 days, at most 3650", str(half_life))


_LONGEST_HALF_LIFE_DAYS: Final = 3650.0


def _contradictions(rules: PriorityRules) -> Iterator[Problem]:
    """What can never count, or counts against itself."""
    for table in _TABLES:
        seen: set[str] = set()
        for number, rule in enumerate(getattr(rules, table)):
            if rule.when in seen:
                key = f"{table}[{number}].when"
                yield _problem("policy.repeated_rule", key, f"each condition once in {table}", f"'{rule.when}' again")
            seen.add(rule.when)
    fired = {gate.when for gate in rules.gate}
    for number, cap in enumerate(rules.cap):
        if cap.when in fired:
            found = f"'{cap.when}', which is a gate: a gate lifts every cap"
            yield _problem("policy.unreachable", f"cap[{number}].when", "a condition that is no gate", found)
        if cap.tier == Tier.URGENT:
            yield _problem("policy.unreachable", f"cap[{number}].tier", "a tier that keeps it down", "the highest")
    ups = {factor.when for factor in rules.factor}
    for number, reduction in enumerate(rules.reduction):
        if reduction.when in ups | fired:
            found = f"'{reduction.when}', which also raises"
            expected = "a condition that only lowers"
            yield _problem("policy.contradiction", f"reduction[{number}].when", expected, found)


def _tier_problems(rules: PriorityRules) -> Iterator[Problem]:
    """Every tier once, from the highest bound to 0, each with a deadline that is later than the one above it."""
    tiers = [bound.tier for bound in rules.tier]
    bounds = [bound.least_score for bound in rules.tier]
    if missing := sorted(_TIERS - set(tiers)):
        yield Problem(
            code="policy.missing_tier",
            file=PRIORITY,
            key="tier",
            expected=f"every tier once: {', '.join(sorted(_TIERS))}",
            found=f"nothing for {', '.join(missing)}",
        )
    if bounds != sorted(set(bounds), reverse=True) or len(set(tiers)) != len(tiers):
        yield Problem(
            code="policy.tier_order",
            file=PRIORITY,
            key="tier",
            expected="each tier once, bounds from the highest to the lowest",
            found=", ".join(f"{bound.tier} from {bound.least_score}" for bound in rules.tier),
        )
    if bounds and not min(bounds) <= 0:
        yield Problem(
            code="policy.tier_gap",
            file=PRIORITY,
            key=f"tier[{bounds.index(min(bounds))}].least_score",
            expected="0 for the lowest tier, so that every score has one",
            found=str(min(bounds)),
        )
    most = sum(factor.weight for factor in rules.factor)
    for number, bound in enumerate(rules.tier):
        if not bound.deadline_hours > 0:
            key = f"tier[{number}].deadline_hours"
            yield _problem("policy.no_deadline", key, "hours above 0", str(bound.deadline_hours))
        if bound.least_score > min(most, _MOST) and bound.tier != Tier.URGENT:
            expected = f"at most {min(most, _MOST):g}, which all factors together reach"
            yield _problem("policy.unreachable", f"tier[{number}].least_score", expected, f"{bound.least_score:g}")
    yield from _deadline_problems(rules, lambda number: f"tier[{number}].deadline_hours")


def _deadline_problems(rules: PriorityRules, key_of: Callable[[int], str]) -> Iterator[Problem]:
    """A tier that is more pressing is never due later."""
    for number, (above, below) in enumerate(pairwise(rules.tier), start=1):
        if below.deadline_hours < above.deadline_hours:
            expected = f"no fewer hours than {above.tier}, which is more pressing"
            yield _problem("policy.contradiction", key_of(number), expected, f"{below.deadline_hours:g}")


def _override_problems(
    override: Override, key: str, rules: PriorityRules, members: Mapping[MemberId, Member]
) -> Iterator[Problem]:
    if override.member not in members or not members[override.member].receives:
        receivers = (name for name, member in members.items() if member.receives)
        yield _problem("policy.unknown_member", f"{key}.member", one_of(receivers), repr(override.member))
    weighed = frozenset(factor.when for factor in (*rules.factor, *rules.reduction))
    yield from unknown_words("policy.unknown_condition", (PRIORITY, f"{key}.weight"), override.weight, weighed)
    where = (PRIORITY, f"{key}.deadline_hours")
    yield from unknown_words("policy.unknown_tier", where, override.deadline_hours, _TIERS)
    yield from _impossible(override.weight.values(), 0.0, (f"{key}.weight", "policy.weight", "0 to 100"))
    hours = (f"{key}.deadline_hours", "policy.no_deadline", "hours from 0.017 (a minute) to 8760 (a year)")
    yield from _impossible(override.deadline_hours.values(), _LEAST_HOURS, hours)
    if not list(_deadline_problems(rules, str)):
        yield from _deadline_problems(rules.of(override), lambda _: f"{key}.deadline_hours")


_LEAST_HOURS: Final = 1 / 60
_MOST_OF: Final = {"policy.weight": _MOST, "policy.no_deadline": 24 * 365.0}


def _impossible(values: Iterable[float], least: float, told: tuple[str, str, str]) -> Iterator[Problem]:
    key, code, expected = told
    for value in values:
        if not least <= value <= _MOST_OF[code]:
            yield _problem(code, key, expected, str(value))


def _problem(code: str, key: str, expected: str, found: str) -> Problem:
    return Problem(code=code, file=PRIORITY, key=key, expected=expected, found=found)
