"""Send the others' reports at their pace, twice: alone, and behind a flood."""

from collections.abc import Iterator, Sequence

from msgspec.structs import asdict

from benchmarks.about import about_now
from benchmarks.fairness.results import Fairness
from benchmarks.measuring import until_done
from benchmarks.peers.latency import Arrivals, Latency, figures, send
from benchmarks.world import World, reports
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from tocsin.stack.demo.crew import Crew

_PER_SECOND = 20
"""Reports of the others together."""
_EACH = 60
"""Reports of each of the others, each time."""
_WARM_EACH = 10
"""Sent first, and not measured."""
_APART = 10_000_000
"""So that no two parts send the same report."""


def measure(world: World, names: Sequence[MemberId], flood: int) -> Fairness:
    """The first member floods, the others are measured."""
    about, others = about_now(), names[1:]
    with Crew(world.home, world.home / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal", "--metrics-port", "0"))
        for number, name in enumerate(others):
            world.fill(_WARM_EACH, first=(1 + number) * _APART, member=name)
        settled, _ = until_done(_WARM_EACH * len(others), world.settled, crew.require_all)
        quiet = _waits(world, others, part=1)
        settled += quiet.sent
        world.fill(flood, first=0, member=names[0])
        before = settled + flood - world.settled()
        unmeasured = list(_in_turn(others, part=2))[: len(others) * _WARM_EACH]  # they never stopped sending
        warm = send(world, unmeasured, _PER_SECOND)
        flooded = _waits(world, others, part=3)
        after = settled + flood + len(warm) + flooded.sent - world.settled()
    return Fairness(
        **asdict(about),
        others=len(others),
        flood=flood,
        quiet=quiet,
        flooded=flooded,
        backlog_before=before,
        backlog_after=after,
    )


def _waits(world: World, others: Sequence[MemberId], part: int) -> Latency:
    reader = Arrivals(world)
    sent = send(world, list(_in_turn(others, part)), _PER_SECOND)
    return figures(sent, reader.until(set(sent)))


def _in_turn(others: Sequence[MemberId], part: int) -> Iterator[ReportSubmitted]:
    """One of each member, then the next of each."""
    streams = [
        reports(_EACH, first=(1 + number) * _APART + part * _EACH * 10, member=name)
        for number, name in enumerate(others)
    ]
    for _ in range(_EACH):
        for stream in streams:
            yield next(stream)
