"""One point of a curve: the production worker on a backlog, so many of one thing, over some rounds."""

import statistics
from collections.abc import Callable, Sequence

from msgspec import Struct

from benchmarks.measuring import cpu_seconds, until_done
from benchmarks.world import World
from tocsin.stack.demo.crew import Crew

Say = Callable[[str], None]


class Size(Struct, frozen=True):
    """How much is measured for each point."""

    reports: int
    rounds: int
    most_selectors: int = 10_000_000
    """Points with more are left out."""


class Round(Struct, frozen=True, kw_only=True):
    """What one run took, the start of the workers left out."""

    reports_per_second: float
    cpu_seconds_per_thousand: float
    """Of all workers together; broker and PostgreSQL left out."""


class Point(Struct, frozen=True, kw_only=True):
    """So many partitions, selectors, members or workers, and the rounds that were measured with them."""

    count: int
    rounds: tuple[Round, ...]

    @property
    def reports_per_second(self) -> float:
        """The median of the rounds."""
        return statistics.median(each.reports_per_second for each in self.rounds)

    @property
    def cpu_seconds_per_thousand(self) -> float:
        """The median of the rounds."""
        return statistics.median(each.cpu_seconds_per_thousand for each in self.rounds)


def measured(world: World, size: Size, count: int, forget: Callable[[], None], workers: int = 1) -> Point:
    """The point of `count`, on a topic that holds `size.reports` already."""
    rounds = []
    for _ in range(size.rounds):
        forget()
        rounds.append(one_round(world, size.reports, workers))
    return Point(count=count, rounds=tuple(rounds))


def one_round(world: World, wanted: int, workers: int = 1) -> Round:
    """What one run of so many workers takes, on an emptied ledger."""
    names = [f"normal-{number}" for number in range(workers)]
    with Crew(world.home, world.home / "logs") as crew:
        for number, name in enumerate(names):
            crew.start(name, ("triage", "--lane", "normal", "--instance", str(number), "--metrics-port", "0"))
        first, began = until_done(1, world.settled, crew.require_all)
        cpu = _cpu(crew, names)
        last, ended = until_done(wanted, world.settled, crew.require_all)
        spent = _cpu(crew, names) - cpu
    if refused := world.refused():
        raise SystemExit(f"{refused} reports were refused: this would not be the figure of the same work.")
    if last == first:
        raise SystemExit("The worker was done before it was looked at twice: measure more reports (--reports).")
    done = last - first
    return Round(reports_per_second=done / (ended - began), cpu_seconds_per_thousand=1000 * spent / done)


def _cpu(crew: Crew, names: Sequence[str]) -> float:
    return sum(cpu_seconds(crew.pid(name)) for name in names)
