"""Progress on a terminal as a live table, elsewhere as one line a change."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.live import Live
from rich.table import Table

from tocsin.stack.progress import Progress


@contextmanager
def progress_display() -> Iterator[Progress]:
    """A progress callable for the length of a block; it may be called from several threads."""
    parts: dict[str, str] = {}
    started = time.monotonic()
    if not sys.stderr.isatty():
        yield lambda part, text: _line(parts, part, text)
        return
    with Live(console=Console(stderr=True), transient=True, refresh_per_second=8) as live:

        def show(part: str, text: str) -> None:
            parts[part] = text
            live.update(_table(parts, time.monotonic() - started))

        yield show


def _line(parts: dict[str, str], part: str, text: str) -> None:
    """Counters would fill a log: only their beginning and their end are written."""
    begins = " of " not in parts.get(part, "")
    if " of " not in text or _is_done(text) or begins:
        click.echo(f"{part}: {text}", err=True)
    parts[part] = text


def _is_done(text: str) -> bool:
    counted = text.split(" of ")
    return text in {"ready", "stopped"} or (len(counted) > 1 and counted[0] == counted[-1])


def _table(parts: dict[str, str], seconds: float) -> Table:
    table = Table.grid(padding=(0, 2))
    for part, text in parts.items():
        mark = "[green]✓[/]" if _is_done(text) else "[yellow]…[/]"
        table.add_row(mark, part, text)
    table.add_row("", "", f"[dim]{seconds:.0f} s[/]")
    return table
