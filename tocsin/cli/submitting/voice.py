"""How publishing speaks to a person: sentences and a bar on the standard error, a question where a terminal is."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from producers.publication import Voice


@contextmanager
def speaking(*, yes: bool) -> Iterator[Voice]:
    """A voice; its bars are gone when the work ends, and are not drawn where nobody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        def confirm(count: int) -> bool:
            if yes or not sys.stdin.isatty():
                return yes
            bars.stop()
            return click.confirm(f"The file escalates {count} reports. Is each of them urgent?", err=True)

        yield Voice(say=lambda line: click.echo(line, err=True), progress=progress, confirm=confirm)
