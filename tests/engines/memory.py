"""Whether memory grows while the compiled codec reads, writes, refuses and loads: the slope of resident memory."""

import resource
from collections.abc import Callable, Iterator
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import linear_regression
from typing import Any, Final

import msgspec

from schemas.definitions import RECORD_TYPES
from schemas.engines import compiled
from tests.engines.chance import Chance
from tests.engines.comparing import Differs, codec_class, mutated, outcome, written_by_chance

MOST_BYTES_PER_CALL: Final = 4.0
"""A leak of the smallest object is 16 at every call; a system's pages come and go."""
_EACH: Final = 20
_SAMPLES: Final = 50
_SETTLED: Final = 2
"""Calls before the first sample, as a part of all: what is made once is made then."""
_SCHEMA: Final = {"type": "record", "name": "R", "fields": [{"name": "f", "type": "string"}]}
_REFUSED: Final = {"type": "record", "name": "R", "fields": [{"name": "f", "type": ["string", "long"]}]}
_CLASSES: Final = {"R": msgspec.defstruct("R", [("f", str)])}
Call = Callable[[], object]


def calls_of_all_kinds(seed: int) -> list[Call]:
    """Records read whole, cut and changed; written; values that cannot be written; schemas that load, and do not."""
    calls: list[Call] = []
    for number, record_type in enumerate(RECORD_TYPES * _EACH):
        chance = Chance(seed + number)
        whole = written_by_chance(record_type, chance)
        record = compiled.read(record_type, whole, 0)
        cut, changed = whole[: chance.random.randrange(len(whole))], mutated(chance, bytearray(whole))
        calls += [partial(outcome, compiled, record_type, data) for data in (whole, cut, changed)]
        wrong = msgspec.structs.replace(record, **{record_type.__struct_fields__[0]: object()})
        calls += [partial(compiled.write, record, b"", None), partial(_refused, compiled.write, wrong, b"", None)]
    loads = [partial(_refused, codec_class(), schema, _CLASSES) for schema in (_SCHEMA, _REFUSED)]
    return [*calls, *loads, partial(_refused, codec_class()(_SCHEMA, _CLASSES).encode, _CLASSES["R"](f=1))]


def growth_bytes_per_call(calls: list[Call], count: int) -> float:
    """The slope of resident memory over so many calls, after half as many that are not counted."""
    turns = cycle(calls)
    _make(islice(turns, count // _SETTLED))
    every = count // _SAMPLES
    sizes = [_after(partial(_make, islice(turns, every))) for _ in range(_SAMPLES)]
    return linear_regression([every * place for place in range(_SAMPLES)], sizes).slope


def flat(seed: int, count: int) -> float:
    """The slope; raises Differs where memory is not flat."""
    slope = growth_bytes_per_call(calls_of_all_kinds(seed), count)
    if slope > MOST_BYTES_PER_CALL:
        raise Differs(f"memory grows by {slope:.1f} bytes a call")
    return round(slope, 3)


def _make(calls: Iterator[Call]) -> None:
    for call in calls:
        call()


def _after(work: Call) -> int:
    work()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def _refused(call: Callable[..., Any], *arguments: Any) -> None:
    try:
        call(*arguments)
    except (ValueError, TypeError, AttributeError):
        return
