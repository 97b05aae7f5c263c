"""How well the decisions of a family tell apart: passed and failed, precision, recall, confusion of tiers."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from processors.evaluation.cases import Case
from processors.evaluation.matching import differences

TIERS: Final = ("urgent", "high", "normal", "low")


class Judged(Struct, frozen=True, kw_only=True):
    """One case that ran: what was found, and how it differs from what was expected."""

    case: Case
    found: tuple[Mapping[str, Any], ...]
    differences: tuple[str, ...]


class Telling(Struct, kw_only=True):
    """How often a yes-or-no decision was right."""

    true_positive: int = 0
    false_positive: int = 0
    false_negative: int = 0
    true_negative: int = 0

    def count(self, expected: bool, found: bool) -> None:
        """One more decision."""
        if expected:
            self.true_positive += found
            self.false_negative += not found
        else:
            self.false_positive += found
            self.true_negative += not found

    def precision(self) -> float | None:
        """The share of what was found that should have been; None where nothing was found."""
        return _share(self.true_positive, self.true_positive + self.false_positive)

    def recall(self) -> float | None:
        """The share of what should have been found that was; None where nothing should."""
        return _share(self.true_positive, self.true_positive + self.false_negative)


class Family(Struct, kw_only=True):
    """What became of the cases of one file."""

    name: str
    passed: int = 0
    failed: list[Judged] = []
    tellings: dict[str, Telling] = {}
    tiers: Counter[tuple[str, str]] = Counter()


def judged(case: Case, found: Sequence[Mapping[str, Any]]) -> Judged:
    """Hold what was found against what was expected, in order."""
    told = [
        f"report {number}, {difference}"
        for number, (expected, outcome) in enumerate(zip(case.expect, found, strict=False), start=1)
        for difference in differences(expected, outcome)
    ]
    return Judged(case=case, found=tuple(found), differences=tuple(told))


def families(results: Iterable[Judged]) -> tuple[Family, ...]:
    """Count by family, in the order of their names."""
    found: dict[str, Family] = {}
    for result in results:
        family = found.setdefault(result.case.family, Family(name=result.case.family, tiers=Counter()))
        _count(family, result)
    return tuple(found[name] for name in sorted(found))


def _count(family: Family, result: Judged) -> None:
    if result.differences:
        family.failed.append(result)
    else:
        family.passed += 1
    for expected, outcome in zip(result.case.expect, result.found, strict=False):
        for name, key, is_positive in _DECISIONS:
            if key in expected and not isinstance(expected[key], Mapping):
                telling = family.tellings.setdefault(name, Telling())
                telling.count(is_positive(expected[key]), is_positive(outcome[key]))
        if isinstance(expected.get("tier"), str):
            family.tiers[expected["tier"].lower(), outcome["tier"]] += 1


_DECISIONS: Final[tuple[tuple[str, str, Callable[[Any], bool]], ...]] = (
    ("seen before", "novelty", lambda value: str(value).lower() == "seen"),
    ("linked", "links", bool),
    ("urgent", "tier", lambda value: str(value).lower() == "urgent"),
    ("refused", "outcome", lambda value: str(value).lower() == "refused"),
)
"""The yes-or-no decisions that a case may speak of: name, key of the outcome, and what is a yes."""


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
