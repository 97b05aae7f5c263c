"""`tocsin demo`: the whole exchange with simulated members, on this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.live import Live

from tocsin.cli.ledger import show
from tocsin.cli.main import main
from tocsin.stack.demo import view
from tocsin.stack.demo.closing import closing_words
from tocsin.stack.demo.exchange import Exchange
from tocsin.stack.demo.nursery import Nursery
from tocsin.stack.demo.running import Account, Run, Show
from tocsin.stack.demo.snapshot import Snapshot
from tocsin.stack.demo.story import Story, Told
from tocsin.stack.display import progress_display
from tocsin.stack.interrupts import interrupted_once, undisturbed
from tocsin.stack.ledger import balance_of

NOT_BALANCED = 3
_LINE_EVERY_SECONDS = 3.0
_PRELOADED = tuple(f"tocsin.cli.{name}" for name in ("deliver", "receiver", "returns", "triage"))
"""What the children run."""


@click.command()
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--reports", default=2_000, show_default=True, type=click.IntRange(100, 100_000), help="Generated ones.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same reports.")
@click.option("--serve", is_flag=True, envvar="SERVE", help="Stay up at the end, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object with the numbers of this run.")
def command(home: Path, reports: int, seed: int, serve: bool, as_json: bool) -> None:
    """Run the main job from end to end with simulated members and synthetic reports.

    Starts the local stack, both triage lanes, returns, a delivery process for every member and a webhook receiver;
    publishes the examples and generated reports, some urgent, known, broken, corrected, withdrawn; lets recipients
    answer; ends with the ledger. Everything is stopped at the end, also by Ctrl-C. Exit code 3 where the ledger
    does not balance.
    """
    with interrupted_once():
        balanced = _demo(home, reports, seed, serve=serve, as_json=as_json)
    raise click.exceptions.Exit(0 if balanced else NOT_BALANCED)


def _demo(home: Path, reports: int, seed: int, *, serve: bool, as_json: bool) -> bool:
    started_seconds = time.monotonic()
    nursery = Nursery(main, _PRELOADED)  # first: it imports while the services start
    exchange = Exchange(home, nursery.launch, stays=serve)
    try:
        with progress_display() as progress:
            exchange.up(progress)
        with exchange.crew:
            account = _run(exchange, reports, seed)
            _say(exchange, account, time.monotonic() - started_seconds, as_json=as_json)
            _serve(exchange)
    finally:
        with undisturbed():
            exchange.stack.down()
    return account.summary.balanced


def _run(exchange: Exchange, reports: int, seed: int) -> Account:
    with progress_display() as progress:
        exchange.start(progress)
    story = Story(exchange, reports, seed, lambda: int(time.time() * 1000))
    with _showing() as show:
        return Run(exchange, story, show).tell()


@contextmanager
def _showing() -> Iterator[Show]:
    """A live picture on a terminal, elsewhere a line every few seconds."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines()
        return
    with Live(console=console, transient=False, auto_refresh=False) as live:

        def show(told: Told, now: Snapshot, p99_seconds: float | None, seconds: float) -> None:
            live.update(view.screen(told, now, p99_seconds, seconds), refresh=True)

        yield show


def _lines() -> Show:
    next_seconds = 0.0

    def show(told: Told, now: Snapshot, _: float | None, seconds: float) -> None:
        nonlocal next_seconds
        if seconds >= next_seconds:
            next_seconds = seconds + _LINE_EVERY_SECONDS
            click.echo(view.line(told, now, seconds), err=True)

    return show


def _say(exchange: Exchange, account: Account, whole_seconds: float, *, as_json: bool) -> None:
    if as_json:
        click.echo(msgspec.json.encode(account.summary).decode())
        return
    show(balance_of(exchange.home))
    console = Console(highlight=False)
    for sentence in closing_words(exchange, account, whole_seconds):
        to_copy = sentence.startswith("  ") or not console.is_terminal
        console.print(sentence, markup=False, soft_wrap=to_copy)


def _serve(exchange: Exchange) -> None:
    """Keep everything running until somebody ends it."""
    while exchange.stays:
        exchange.crew.require_all()
        time.sleep(1)
