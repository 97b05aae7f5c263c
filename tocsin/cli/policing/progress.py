"""How far a long command is: on the error stream, so that what it prints stays clean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, TaskID


@contextmanager
def counting() -> Iterator[Callable[[str, int], None]]:
    """Counts by name; nothing is drawn where nobody watches."""
    with Progress(
        "{task.description}", "{task.completed}", console=Console(stderr=True), transient=True, refresh_per_second=4
    ) as drawn:
        tasks: dict[str, TaskID] = {}

        def count(what: str, number: int) -> None:
            if what not in tasks:
                tasks[what] = drawn.add_task(what, total=None)
            drawn.update(tasks[what], completed=number)

        yield count
