"""What a rule file must keep to beyond its shape: words that the steps know, orders and numbers that make sense."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from schemas.vocabularies import vocabulary
from tocsin.policy.bases import Bases
from tocsin.policy.dates import Dated, overlap, reversed_period
from tocsin.policy.problems import Problem, unknown_words
from tocsin.policy.rules import LabelMapping, Labels, Routing
from tocsin.policy.words import EVIDENCE

ROUTING: Final = "routing.toml"
LABELS: Final = "labels.toml"
BASES: Final = "bases.toml"


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


def label_problems(labels: Labels) -> Iterator[Problem]:
    """Neutral words that the rules know, and on each day one meaning of each label."""
    neutral = frozenset(vocabulary("neutral_label").codes)
    by_label: dict[tuple[str, str], list[LabelMapping]] = {}
    for number, mapping in enumerate(labels.mapping):
        where = (LABELS, f"mapping[{number}].neutral")
        yield from unknown_words("policy.unknown_neutral_label", where, mapping.neutral, neutral)
        yield from _loss_problems(mapping, (LABELS, f"mapping[{number}].lossy"))
        by_label.setdefault((mapping.scheme, mapping.label), []).append(mapping)
    yield from reversed_periods((LABELS, "mapping"), labels.mapping)
    for (scheme, label), mappings in by_label.items():
        yield from overlaps((LABELS, "mapping"), labels.mapping, mappings, f" of {scheme} {label}")


def _loss_problems(mapping: LabelMapping, where: tuple[str, str]) -> Iterator[Problem]:
    """A label that means nothing in neutral words, or one of two and not which, has lost something on the way."""
    if not mapping.lossy and (not mapping.neutral or "synthetic_or_drawn" in mapping.neutral):
        file, key = where
        expected = "true without neutral words, and where it is open which of two is meant"
        yield Problem(code="policy.silent_loss", file=file, key=key, expected=expected, found="false")


def basis_problems(bases: Bases) -> Iterator[Problem]:
    """On each day one entry of each basis."""
    yield from reversed_periods((BASES, "basis"), bases.basis)
    for code in sorted({basis.code for basis in bases.basis}):
        same = [basis for basis in bases.basis if basis.code == code]
        yield from overlaps((BASES, "basis"), bases.basis, same, f" {code}")


def overlaps(
    where: tuple[str, str], table: Sequence[Dated], same: Iterable[Dated], told: str = ""
) -> Iterator[Problem]:
    """Of the rules of a table that speak of the same, the one that begins while another still holds."""
    file, key = where
    if later := overlap(same):
        number = next(number for number, rule in enumerate(table) if rule is later)
        yield Problem(
            code="policy.periods_overlap",
            file=file,
            key=f"{key}[{number}]{told}",
            expected="one that is in force on any day",
            found=f"two on {later.valid_from}",
        )


def reversed_periods(where: tuple[str, str], rules: Sequence[Dated]) -> Iterator[Problem]:
    """Rules of a table that end before they begin."""
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
