"""`python -m benchmarks.log`: what the audit log costs, with it and without it side by side in one run.

With it everything runs that a log needs: statements and leaves in the transaction that settles, and beside the
worker the sequencer, which grows the tree and signs checkpoints, as the returns worker does every five seconds.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import click
from sqlalchemy import text

from benchmarks.measuring import Run, run_engine, spread
from benchmarks.revision import commit
from benchmarks.world import World, a_world
from schemas.topics import RETURNS
from tests.builders.signing import a_signer
from tocsin.runtime import settings
from tocsin.runtime.audit.sequencing import Sequencer
from tocsin.runtime.database import database_of

LOGGED, UNLOGGED = "tocsin", "tocsin-unlogged"
_EVERY_SECONDS: Final = 5.0


@click.command()
@click.option("--reports", default=6_000, show_default=True, help="Reports a run.")
@click.option("--rounds", default=7, show_default=True, help="Runs with the log and without it, in turn.")
def main(reports: int, rounds: int) -> None:
    """Measure, and print one JSON object; progress goes to the standard error."""
    click.echo("starting the stack", err=True)
    with a_world() as world:
        world.fill(reports)
        click.echo(json.dumps({"commit": commit(), "reports": reports} | _measured(world, reports, rounds), indent=1))


def _measured(world: World, reports: int, rounds: int) -> dict[str, Any]:
    runs: dict[str, list[Run]] = {LOGGED: [], UNLOGGED: []}
    for number in range(rounds):
        for name in (LOGGED, UNLOGGED) if number % 2 else (UNLOGGED, LOGGED):
            runs[name].append(_run(world, name, reports))
            click.echo(f"round {number + 1}, {name}: {runs[name][-1].records_per_second:.0f} reports/s", err=True)
    pairs = zip(runs[LOGGED], runs[UNLOGGED], strict=True)
    ratios = [one.records_per_second / other.records_per_second for one, other in pairs]
    return {
        "reports per second": {name: spread([run.records_per_second for run in each]) for name, each in runs.items()},
        "cpu seconds per thousand": {name: spread([r.cpu_per_thousand for r in each]) for name, each in runs.items()},
        "with the log / without it": spread(ratios),
    }


def _run(world: World, name: str, reports: int) -> Run:
    world.forget()
    with _sequencing(world):
        run = run_engine(name, world.home, reports, world.settled)
    with world.database.transaction() as connection:
        leaves = int(connection.execute(_ENTRIES).scalar_one())
    if bool(leaves) != (name == LOGGED) or world.refused():
        raise SystemExit(f"{name} left {leaves} entries in the log: its figure would not be that of its name.")
    return run


@contextmanager
def _sequencing(world: World) -> Iterator[None]:
    """Beside the run, in both: without entries it finds nothing to do."""
    config = world.stack.config(RETURNS)
    database, ended = database_of(settings.load(config)), threading.Event()
    sequencer = Sequencer(database, a_signer(config).note)

    def work() -> None:
        while not ended.wait(_EVERY_SECONDS):
            sequencer(time.time_ns() // 1_000_000)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        database.close()


_ENTRIES: Final = text("select count(*) from audit_entries")


if __name__ == "__main__":
    main()
