"""The facts that a log line may show: a closed table, and fields of records that say nothing of a case (ADR 0051)."""

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Final

from schemas.definitions import FOLDER, definition
from schemas.disclosure import Sensitivity

SHOWN: Final = frozenset({Sensitivity.OPERATIONAL})
"""Who keeps a log is not who reads reports: nothing of a case is for it."""
REDACTED: Final = "[redacted]"
UNKNOWN: Final = "[not a fact]"
_MOST_NAMES: Final = 1_000
"""There are fewer in the code; a name that is made up as it goes does not fill the memory."""
_LONGEST: Final = 500
"""Characters of a text: a failure's message is shorter."""

OWN: Final = frozenset(
    {
        "abandoned_slices",
        "alert",
        "caller",
        "causes",
        "client",
        "codec",
        "count",
        "deliveries",
        "delivery",
        "failure",
        "fields",
        "file",
        "first_offset",
        "held_back",
        "number",
        "part",
        "partitions",
        "problem",
        "process",
        "records",
        "referrals",
        "rejected",
        "said",
        "seconds",
        "stage",
        "topics",
        "tries",
        "version",
        "why",
    }
)
"""What a process says of its own work: counts, codes, and names of parts; no field of a record is called so."""


@cache
def sensitivities() -> Mapping[str, frozenset[Sensitivity]]:
    """By the name of a field, how sensitive it is in each of the published records and their parts."""
    found: dict[str, frozenset[Sensitivity]] = {}
    for file in sorted(FOLDER.glob("*.avsc")):
        for field in definition(file.stem).get("fields", ()):
            found[field["name"]] = found.get(field["name"], frozenset()) | {Sensitivity(field["sensitivity"])}
    return found


@lru_cache(maxsize=_MOST_NAMES)
def instead(name: str) -> str:
    """What is shown in place of the value of that name; empty where the value itself may be shown.

    A name that several records have is as sensitive as in the strictest of them.
    """
    if name in OWN:
        return ""
    found = sensitivities().get(name)
    if found is None:
        return UNKNOWN
    return "" if found <= SHOWN else REDACTED


def shown(facts: Mapping[str, object]) -> dict[str, object]:
    """The facts as a log may have them."""
    return {name if name.isidentifier() else UNKNOWN: instead(name) or _bounded(value) for name, value in facts.items()}


def _bounded(value: object) -> object:
    return value[:_LONGEST] if isinstance(value, str) else value
