"""`make bench-peers`: Tocsin, stock Faust, the plain loop and Quix Streams at the same job, on one Kafka.

Each part starts a stack of its own, meets every peer on it, and leaves the figures of the other parts as they were.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from msgspec import Struct
from msgspec.structs import asdict, replace

from benchmarks.about import about_now
from benchmarks.figures import read_or, write
from benchmarks.measuring import Run, measured, started
from benchmarks.peers.kills import kills
from benchmarks.peers.latency import REPORTS_PER_SECOND, latency
from benchmarks.peers.page import page
from benchmarks.peers.plot import plot
from benchmarks.peers.results import PARTS, Part, Results
from benchmarks.peers.venvs import LOCKS, ROOT, command, engine_of
from benchmarks.world import World, a_world

_SLOW: Final = "stock"
"""Stock Faust gets a tenth of the reports: its rate is the same, and the run ends today."""
_AT_ONCE: Final = 1_000_000
"""Apart by more than a run sends, so that no two runs send the same report."""


class Size(Struct, frozen=True):
    """How much is measured."""

    peers: Sequence[str]
    reports: int
    rounds: int


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option("--peer", "peers", multiple=True, type=click.Choice(list(LOCKS)), help="Only this peer; may be repeated.")
@click.option("--reports", default=6_000, show_default=True, help="Reports a run; stock Faust gets a tenth.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each peer for throughput, in turn.")
@click.option("--folder", default=ROOT / "docs" / "performance", type=Path, help="Where figures, page and plot go.")
def main(parts: Sequence[str], peers: Sequence[str], reports: int, rounds: int, folder: Path) -> None:
    """Measure, and write peers.json, peers.md and peers.svg; progress goes to the standard error."""
    size = Size(peers or tuple(LOCKS), reports, rounds)
    codecs = {peer: engine_of(peer) for peer in size.peers}
    for peer, codec in codecs.items():
        click.echo(f"environment of {peer}: ready, codec {codec}", err=True)
    for part in parts or PARTS:
        before = read_or(folder / "peers.json", Results())
        results = _measured(part, size, replace(before, codecs={**before.codecs, **codecs}))
        write(folder / "peers.json", results)
        (folder / "peers.md").write_text(page(results), encoding="utf-8")
        (folder / "peers.svg").write_text(plot(results), encoding="utf-8")


def _measured(part: str, size: Size, before: Results) -> Results:
    about = about_now()
    click.echo(f"{part}: starting the stack", err=True)
    with a_world() as world:
        figures = _MEASURES[part](world, size)
    rounds = size.rounds if part == "throughput" else 1
    of_part = Part(**asdict(about), reports=size.reports, rounds=rounds)
    found = {**getattr(before, part), **figures}
    return replace(before, parts={**before.parts, part: of_part}, **{part: found})


def _throughput(world: World, size: Size) -> Mapping[str, tuple[Run, ...]]:
    world.fill(size.reports)
    runs: dict[str, list[Run]] = {peer: [] for peer in size.peers}
    for number in range(size.rounds):
        for peer in size.peers:  # in turn, so that a slow minute of the machine meets all of them
            world.forget()
            words = command(peer, world.home, f"triage.peer-{peer}-{number}")
            with started(words, world.home / "logs" / f"{peer}.log") as child:
                runs[peer].append(measured(child, _share(peer, size.reports), world.settled))
            if refused := world.refused():
                raise SystemExit(f"{peer} refused {refused} reports: its figure would not be that of the same work.")
            click.echo(f"round {number + 1}, {peer}: {runs[peer][-1].records_per_second:.0f} reports/s", err=True)
    return {peer: tuple(found) for peer, found in runs.items()}


def _latency(world: World, size: Size) -> Mapping[str, Any]:
    found = {}
    for number, peer in enumerate(reversed(size.peers), 1):  # the slowest first: it reads what was sent before
        found[peer] = latency(world, peer, number * _AT_ONCE, size.reports // 4)
        click.echo(f"{peer}: p99 {found[peer].p99_ms} ms at {REPORTS_PER_SECOND}/s", err=True)
    return found


def _kills(world: World, size: Size) -> Mapping[str, Any]:
    found = {}
    filled = 0
    for peer in sorted(size.peers, key=lambda each: _share(each, size.reports)):
        count = _share(peer, size.reports)
        world.fill(count - filled, first=filled)
        filled = count
        found[peer] = kills(world, peer, count)
        click.echo(f"{peer}: {found[peer].missing} missing, {found[peer].duplicates} repeated", err=True)
    return found


def _share(peer: str, reports: int) -> int:
    return reports // 10 if peer == _SLOW else reports


_MEASURES: Final[Mapping[str, Callable[[World, Size], Mapping[str, Any]]]] = {
    "throughput": _throughput,
    "latency": _latency,
    "kills": _kills,
}


if __name__ == "__main__":
    main()
