"""The worker of production with each engine, in turn on one stack, and its steps alone."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.measuring import run_engine
from benchmarks.world import World, a_world
from schemas.engines.choosing import SETTING

ENGINES: Final = ("fastavro", "compiled")
JOBS: Final = ("tocsin", "tocsin-codec")
"""The whole job, and values that are read, written again and passed on."""
MORE_ITEMS: Final = (3,)
"""Of one report, in runs of their own: the more a report says, the more of its cost is its codec."""
Costs = Mapping[str, Mapping[str, tuple[float, ...]]]


def job(reports: int, rounds: int, items: int = 1, jobs: Sequence[str] = JOBS) -> Costs:
    """CPU-seconds of the worker's process per 1,000 reports of so many items, by job and engine."""
    found: dict[str, dict[str, tuple[float, ...]]] = {name: dict.fromkeys(ENGINES, ()) for name in jobs}
    with a_world() as world:
        world.fill(reports, items=items)
        for _ in range(rounds):
            for name in jobs:
                for engine in ENGINES:  # in turn, so that a slow minute of the machine meets both
                    found[name][engine] += (_cost(world, name, engine, reports),)
    return found


def larger(reports: int, rounds: int) -> Mapping[int, Mapping[str, tuple[float, ...]]]:
    """The whole job of reports that hold more, by their number of items and by engine."""
    return {items: job(reports, rounds, items, JOBS[:1])[JOBS[0]] for items in MORE_ITEMS}


def steps() -> dict[str, dict[str, float]]:
    """CPU-microseconds a report of each step alone, by engine."""
    return {engine: _steps(engine) for engine in ENGINES}


def _cost(world: World, name: str, engine: str, reports: int) -> float:
    world.forget()
    with chosen(engine):
        run = run_engine(name, world.home, reports, world.settled if name == "tocsin" else world.passed)
    if refused := world.refused():
        raise SystemExit(f"{name} refused {refused} reports: its figure would not be that of the same work.")
    sys.stderr.write(f"{name} with {engine}: {run.cpu_per_thousand:.2f} CPU-seconds per 1,000\n")
    return round(run.cpu_per_thousand, 3)


def _steps(engine: str) -> dict[str, float]:
    script = "import json; from benchmarks.steps import costs; print(json.dumps(costs()))"
    with chosen(engine):
        done = subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.PIPE)  # noqa: S603  # our own words
    costs: dict[str, Any] = json.loads(done.stdout)
    return {step: round(cost, 1) for step, cost in costs.items()}


@contextmanager
def chosen(engine: str) -> Iterator[None]:
    """Processes that start meanwhile use this engine."""
    before = os.environ.get(SETTING)
    os.environ[SETTING] = engine
    try:
        yield
    finally:
        del os.environ[SETTING]
        if before is not None:
            os.environ[SETTING] = before
