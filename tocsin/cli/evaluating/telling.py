"""How the results of an evaluation are told: as lines for people, as one object for programs; pure."""

from collections.abc import Iterator, Sequence
from typing import Any

from processors.evaluation.scoring import TIERS, Family, Judged, Telling
from schemas.catalogue import message

_MOST_DIFFERENCES = 5


def lines(families: Sequence[Family], most_failures: int) -> Iterator[str]:
    """Each family with its shares, its confusion of tiers and what failed."""
    for family in families:
        total = family.passed + len(family.failed)
        yield f"{family.name}: {family.passed} of {total} passed"
        yield from (f"  {name}: {_shares(telling)}" for name, telling in sorted(family.tellings.items()))
        yield from _confusion(family)
        for judged in family.failed[:most_failures]:
            yield f"  FAILED {judged.case.name} ({judged.case.place})"
            yield from (f"    {difference}" for difference in judged.differences[:_MOST_DIFFERENCES])
        if len(family.failed) > most_failures:
            yield f"  and {len(family.failed) - most_failures} more; --failures shows more"


def summary(families: Sequence[Family]) -> dict[str, Any]:
    """The same as plain values."""
    return {
        "passed": sum(family.passed for family in families),
        "failed": sum(len(family.failed) for family in families),
        "families": {family.name: _family(family) for family in families},
    }


def _family(family: Family) -> dict[str, Any]:
    return {
        "passed": family.passed,
        "failed": [_failed(judged) for judged in family.failed],
        "decisions": {name: _telling(telling) for name, telling in sorted(family.tellings.items())},
        "tiers": [{"expected": e, "found": f, "count": n} for (e, f), n in sorted(family.tiers.items())],
    }


def _failed(judged: Judged) -> dict[str, Any]:
    return {"name": judged.case.name, "place": judged.case.place, "differences": list(judged.differences)}


def _telling(telling: Telling) -> dict[str, Any]:
    counts = {name: getattr(telling, name) for name in Telling.__struct_fields__}
    return counts | {"precision": telling.precision(), "recall": telling.recall()}


def _shares(telling: Telling) -> str:
    wrong = f"{telling.false_positive} too many, {telling.false_negative} missed"
    return f"precision {_share(telling.precision())}, recall {_share(telling.recall())} ({wrong})"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _confusion(family: Family) -> Iterator[str]:
    if not family.tiers:
        return
    yield "  tier expected ↓ found →  " + " ".join(f"{tier:>7}" for tier in TIERS)
    for expected in TIERS:
        counts = " ".join(f"{family.tiers[expected, found]:>7}" for found in TIERS)
        yield f"  {expected:<26} {counts}"
    yield f"  {message('tiers.advise')}"
