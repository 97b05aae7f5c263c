"""The default engine, as the worker uses it: fastavro and msgspec to read a report, our own functions to write it."""

from typing import Any

from benchmarks.codec.alone import Door
from benchmarks.codec.through import through


def doors(_: dict[str, Any]) -> tuple[Door, Door]:
    """How it reads and writes."""
    return through("fastavro")
