"""What the programme wants to reach: objectives with key results, each a figure, a target, a day and an owner."""

from datetime import date
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from schemas.catalogue import message
from schemas.documents import toml_table
from schemas.failures import Refused
from tocsin.cli.measuring.definitions import MEASURES
from tocsin.cli.measuring.figures import Figures
from tocsin.runtime.ledger.measures import DIMENSIONS

MOST_BYTES: Final = 1_048_576


class KeyResult(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One figure that shall be reached: seconds as seconds, a share as 0 to 1."""

    measure: str
    target: float
    by: date
    owner: str
    group: dict[str, str] = {}
    """Of which group, such as `{tier = "URGENT"}`; of all reports where it says none, and by one dimension at most."""


class Objective(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall be better, in a sentence, and by what one would see it."""

    name: str
    owner: str
    results: tuple[KeyResult, ...]


class Progress(Struct, frozen=True, kw_only=True):
    """How far a key result is: where it began, where it is, and which part of the way that is."""

    result: KeyResult
    before: float | None
    now: float | None
    part: float | None
    """0 as it began, 1 at the target or beyond, less than 0 where it went back; None where a figure is not known."""
    is_late: bool


def read_objectives(file: Path) -> tuple[Objective, ...]:
    """What the file says; raises Refused with what is wrong."""
    try:
        with file.open("rb") as source:
            table = toml_table(source.read(MOST_BYTES))
        found = msgspec.convert(table, dict[str, tuple[Objective, ...]], strict=False)
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused(
            message("objectives.unreadable", file=file.name, why=_why(error)), code="objectives.unreadable"
        ) from error
    objectives = found.get("objectives", ())
    problem = next((why for one in objectives for result in one.results if (why := _problem(result))), "")
    if problem or set(found) != {"objectives"}:
        why = problem or "a list named objectives, and nothing else"
        raise Refused(message("objectives.unreadable", file=file.name, why=why), code="objectives.unreadable")
    return objectives


def progress(result: KeyResult, before: Figures | None, now: Figures, today: date) -> Progress:
    """Held against the baseline."""
    began = before.value(result.measure, result.group) if before else None
    stands = now.value(result.measure, result.group)
    part = _part(result, began, stands)
    is_late = today > result.by and (part is None or part < 1)
    return Progress(result=result, before=began, now=stands, part=part, is_late=is_late)


def dimensions_of(objectives: tuple[Objective, ...]) -> frozenset[str]:
    """By what figures have to be grouped to know."""
    return frozenset(name for one in objectives for result in one.results for name in result.group)


def _part(result: KeyResult, began: float | None, stands: float | None) -> float | None:
    """Whoever began beyond the target and is not there any more went back."""
    reaches, target = MEASURES[result.measure].reaches, result.target
    if stands is None or reaches(stands, target):
        return None if stands is None else 1.0
    if began is None or reaches(began, target):
        return None if began is None else -1.0
    return (stands - began) / (target - began)


def _problem(result: KeyResult) -> str:
    if result.measure not in MEASURES:
        return f"a measure that is one of {', '.join(MEASURES)}, found another one"
    if unknown := set(result.group) - set(DIMENSIONS):
        return f"groups by {', '.join(DIMENSIONS)}, found {len(unknown)} other"
    return "one dimension in a group, found more" if len(result.group) > 1 else ""


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, msgspec.MsgspecError) else "a file that can be read"
