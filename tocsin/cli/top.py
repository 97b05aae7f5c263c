"""`tocsin top`: promises, flow and backlog, live in the terminal."""

import contextlib
import sys
import time

import click
from rich.console import Console
from rich.console import Group as Stack
from rich.live import Live

from tocsin.stack.watching.asking import Period, Prometheus, answered
from tocsin.stack.watching.terminal import SHOWN, frame

_WIDTH = 110
"""Where nobody says how wide a line may be."""


@click.command(name="top")
@click.option("--prometheus", "address", default="http://127.0.0.1:9090", show_default=True, help="Whom it asks.")
@click.option("--hours", type=click.IntRange(1, 168), default=1, show_default=True, help="What promises are judged by.")
@click.option("--every-seconds", type=click.IntRange(1, 300), default=5, show_default=True)
@click.option("--once", is_flag=True, help="Print one frame, and end; so it is where there is no terminal.")
def command(address: str, hours: int, every_seconds: int, once: bool) -> None:
    """Show in this terminal whether every promise holds, where records stop and what waits; Ctrl-C ends it.

    It asks your Prometheus for the panels of `tocsin ops`, and reads nothing else. What is broken says so in words,
    also where there are no colours.
    """
    prometheus = Prometheus(address)
    try:
        if once or not sys.stdout.isatty():
            Console(width=None if sys.stdout.isatty() else _WIDTH).print(_seen(prometheus, hours))
        else:
            with contextlib.suppress(KeyboardInterrupt):
                _watch(prometheus, hours, every_seconds)
    finally:
        prometheus.close()


def _watch(prometheus: Prometheus, hours: int, every_seconds: int) -> None:
    """Until interrupted; what the terminal showed before comes back."""
    with Live(_seen(prometheus, hours), screen=True, auto_refresh=False) as live:
        while True:
            time.sleep(every_seconds)
            live.update(_seen(prometheus, hours), refresh=True)


def _seen(prometheus: Prometheus, hours: int) -> Stack:
    period = Period(until_seconds=time.time(), hours=hours)
    return frame(answered(prometheus, SHOWN, period), period)
