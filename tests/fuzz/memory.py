"""`python -m tests.fuzz.memory`: each kept input through its door, and the most memory that this process had then.

A process of its own, as each door has at night: what a test before it left behind is not counted.
"""

import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from tests.fuzz.targets import CORPUS, run

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_FORGET_THE_PEAK: Final = "5"
_BYTES_IN_ALL: Final = 8 << 30
"""Of addresses, so that a bomb ends this process and not the machine; most of them are never used."""


def peak_megabytes(door: Callable[[], None]) -> float:
    """The most that this process had in memory while it went through a door, all that it had before included."""
    _RESET.write_text(_FORGET_THE_PEAK, "ascii")
    door()
    (line,) = (line for line in _STATUS.read_text("ascii").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def main() -> int:
    """One line for each input: megabytes, door and name."""
    resource.setrlimit(resource.RLIMIT_AS, (_BYTES_IN_ALL, _BYTES_IN_ALL))
    for file in sorted(one for one in CORPUS.glob("*/*") if one.is_file()):
        data, name = file.read_bytes(), file.parent.name
        click.echo(f"{peak_megabytes(lambda: run(name, data)):.1f} {name}/{file.name}")  # noqa: B023 -- called at once
    return 0


if __name__ == "__main__":
    sys.exit(main())
