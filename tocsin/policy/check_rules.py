"""What a rule file must keep to beyond its shape: words that the steps know, orders and numbers that make sense."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from schemas.records.values import Tier
from schemas.vocabularies import vocabulary
from tocsin.policy.dates import Dated, overlap, reversed_period
from tocsin.policy.members import Sector
from tocsin.policy.problems import Problem, one_of
from tocsin.policy.rules import LabelMapping, Labels, PriorityRules, Routing, Sharing
from tocsin.policy.words import CONDITIONS, EVIDENCE, FIELD_GROUPS, NEUTRAL_LABELS

PRIORITY: Final = "priority.toml"
ROUTING: Final = "routing.toml"
SHARING: Final = "sharing.toml"
LABELS: Final = "labels.toml"

_TIERS: Final = frozenset(tier.value for tier in Tier if tier is not Tier.UNKNOWN)
_SECTORS: Final = frozenset(sector.value for sector in Sector)


def priority_problems(rules: PriorityRules) -> Iterator[Problem]:
    """Conditions and tiers that exist, weights that add, bounds that leave no score without a tier."""
    for table in ("gate", "factor", "cap"):
        for number, rule in enumerate(getattr(rules, table)):
            yield from unknown_words(
                "policy.unknown_condition", (PRIORITY, f"{table}[{number}].when"), [rule.when], CONDITIONS
            )
    for table in ("cap", "tier"):
        for number, rule in enumerate(getattr(rules, table)):
            yield from unknown_words("policy.unknown_tier", (PRIORITY, f"{table}[{number}].tier"), [rule.tier], _TIERS)
    for number, factor in enumerate(rules.factor):
        if not 0 < factor.weight <= 100:  # noqa: PLR2004 -- the scale of the score
            yield Problem(
                code="policy.weight",
                file=PRIORITY,
                key=f"factor[{number}].weight",
                expected="a number above 0, at most 100",
                found=str(factor.weight),
            )
    yield from _tier_problems(rules)


def _tier_problems(rules: PriorityRules) -> Iterator[Problem]:
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
            key="tier.least_score",
            expected="0 for the lowest tier, so that every score has one",
            found=str(min(bounds)),
        )


def routing_problems(routing: Routing) -> Iterator[Problem]:
    """Every kind of evidence with its share, and no other."""
    yield from unknown_words("policy.unknown_evidence", (ROUTING, "confidence"), routing.confidence, EVIDENCE)
    if missing := sorted(EVIDENCE - routing.confidence.keys()):
        yield Problem(
            code="policy.missing_evidence",
            file=ROUTING,
            key="confidence",
            expected=f"a share for each of {', '.join(sorted(EVIDENCE))}",
            found=f"nothing for {', '.join(missing)}",
        )
    shares = {f"confidence.{kind}": share for kind, share in routing.confidence.items()}
    for key, share in (shares | {"least_confidence": routing.least_confidence}).items():
        if not 0 <= share <= 1:
            yield Problem(code="policy.share", file=ROUTING, key=key, expected="0 to 1", found=str(share))


def sharing_problems(sharing: Sharing) -> Iterator[Problem]:
    """Sectors, groups and markings that exist."""
    tlp = frozenset(vocabulary("tlp").codes)
    for number, agreement in enumerate(sharing.agreement):
        for code, field, allowed in _AGREEMENT_WORDS:
            where = (SHARING, f"agreement[{number}].{field}")
            yield from unknown_words(code, where, getattr(agreement, field), allowed)
        yield from unknown_words("policy.unknown_tlp", (SHARING, f"agreement[{number}].tlp"), agreement.tlp, tlp)
    yield from _reversed_periods((SHARING, "agreement"), sharing.agreement)
    yield from _reversed_periods((SHARING, "transfer"), sharing.transfer)


_AGREEMENT_WORDS: Final[tuple[tuple[str, str, frozenset[str]], ...]] = (
    ("policy.unknown_sector", "submitter_sectors", _SECTORS),
    ("policy.unknown_sector", "recipient_sectors", _SECTORS),
    ("policy.unknown_group", "allow", FIELD_GROUPS),
)


def label_problems(labels: Labels) -> Iterator[Problem]:
    """Neutral words that the rules know, and on each day one meaning of each label."""
    by_label: dict[tuple[str, str], list[LabelMapping]] = {}
    for number, mapping in enumerate(labels.mapping):
        where = (LABELS, f"mapping[{number}].neutral")
        yield from unknown_words("policy.unknown_neutral_label", where, mapping.neutral, NEUTRAL_LABELS)
        by_label.setdefault((mapping.scheme, mapping.label), []).append(mapping)
    yield from _reversed_periods((LABELS, "mapping"), labels.mapping)
    for (scheme, label), mappings in by_label.items():
        if day := overlap(mappings):
            yield Problem(
                code="policy.periods_overlap",
                file=LABELS,
                key=f"mapping of {scheme} {label}",
                expected="one that is in force on any day",
                found=f"two on {day}",
            )


def _reversed_periods(where: tuple[str, str], rules: Sequence[Dated]) -> Iterator[Problem]:
    file, key = where
    for number, rule in enumerate(rules):
        if reversed_period([rule]):
            yield Problem(
                code="policy.period_reversed",
                file=file,
                key=f"{key}[{number}].valid_to",
                expected="a day after valid_from",
                found=str(rule.valid_to),
            )


def unknown_words(
    code: str, where: tuple[str, str], words: Iterable[str], allowed: frozenset[str]
) -> Iterator[Problem]:
    """One problem for each word that is none of a closed list."""
    file, key = where
    for word in words:
        if word not in allowed:
            yield Problem(code=code, file=file, key=key, expected=one_of(allowed), found=repr(word))
