"""One codec, a process of its own: `python -m benchmarks.codec.alone NAME FILE`; prints CPU-microseconds a record.

This file imports no codec until it is named: each may stand in an environment of its own.
"""

import importlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

ROUNDS: Final = 5
Door = Callable[[Any], Any]


def main() -> None:
    """Time one codec over the records of one file."""
    name, file = sys.argv[1:3]
    told = json.loads(Path(file).read_text())
    written = [bytes.fromhex(data) for data in told["records"]]
    read, write = importlib.import_module(f"benchmarks.codec.{name}").doors(told["schema"])
    if any(write(read(data)) != data for data in written):
        raise SystemExit(f"{name} does not write what it read.")
    sys.stdout.write(json.dumps(timed(read, write, written)))


def timed(read: Door, write: Door, written: Sequence[bytes]) -> dict[str, float]:
    """Medians of several rounds; a record that is read is let go before the next one, as in a slice of few."""
    values = [read(data) for data in written]
    ways = {
        "decode": lambda: [None for data in written if read(data) is None],
        "encode": lambda: [None for value in values if write(value) is None],
        "both": lambda: [None for data in written if write(read(data)) is None],
    }
    rounds = [{name: _cost(do, len(written)) for name, do in ways.items()} for _ in range(ROUNDS)]
    return {name: round(statistics.median(found[name] for found in rounds), 2) for name in ways}


def _cost(do: Callable[[], Any], count: int) -> float:
    started = time.process_time()
    do()
    return 1e6 * (time.process_time() - started) / count


if __name__ == "__main__":
    main()
