"""What reading and writing a report costs with each engine, in turn in one process: CPU-microseconds and a ratio."""

import gc
import json
import statistics
import time
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, Final

from benchmarks.revision import commit
from benchmarks.world import reports
from schemas.engines.choosing import engine_for
from schemas.records.report import ReportSubmitted

_REPORTS: Final = 2_000
_ROUNDS: Final = 7


def both_ways() -> dict[str, Any]:
    """Medians by engine; raises Broken where the compiled one is not installed."""
    engines = {name: engine_for(name) for name in ("fastavro", "compiled")}
    made = list(reports(_REPORTS))
    written = [engines["fastavro"].write(report, b"", None) for report in made]
    rounds = [{name: _cost(engine, made, written) for name, engine in engines.items()} for _ in range(_ROUNDS)]
    medians = {
        name: {way: statistics.median(found[name][way] for found in rounds) for way in ("decode", "encode")}
        for name in engines
    }
    together = {name: sum(ways.values()) for name, ways in medians.items()}
    return {
        "bytes": statistics.mean(map(len, written)),
        **{name: {way: round(cost, 2) for way, cost in ways.items()} for name, ways in medians.items()},
        "fastavro / compiled": round(together["fastavro"] / together["compiled"], 1),
    }


def _cost(engine: ModuleType, made: list[ReportSubmitted], written: list[bytes]) -> dict[str, float]:
    return {
        "decode": _each(lambda data: engine.read(ReportSubmitted, data, 0), written),
        "encode": _each(lambda report: engine.write(report, b"", None), made),
    }


def _each(do: Callable[[Any], object], inputs: Sequence[Any]) -> float:
    gc.collect()
    started = time.process_time()
    for each in inputs:
        do(each)  # nothing is held: a slice of the worker holds at most 500
    return 1e6 * (time.process_time() - started) / len(inputs)


if __name__ == "__main__":
    print(json.dumps({"commit": commit(), "codec_us": both_ways()}, indent=1))
