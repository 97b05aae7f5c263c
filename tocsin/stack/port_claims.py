"""Which home of this machine has which port, so that two that start side by side never choose the same one.

A port that was found free is listened at seconds later; until then another home would find it free as well.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from tocsin.stack.files import write_whole

Claims: TypeAlias = dict[int, str]
"""Port to the home that has it."""

_FILE: Final = "ports.json"


@contextmanager
def claims(machine: Path) -> Iterator[Claims]:
    """Those of homes that are still there, to read and to add to; one at a time, kept where the block ends well."""
    machine.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(machine / f"{_FILE}.lock", os.O_RDWR | os.O_CREAT, 0o600)) as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        held = {port: home for port, home in _read(machine / _FILE).items() if Path(home, _FILE).exists()}
        yield held
        write_whole(machine / _FILE, json.dumps(held, indent=1).encode())


def _read(file: Path) -> Claims:
    """None where it is not there, or is not as we write it: homes claim theirs again as they start."""
    try:
        found = json.loads(file.read_text())
        return {int(port): str(home) for port, home in found.items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}
