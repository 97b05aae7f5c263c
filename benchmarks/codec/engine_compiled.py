"""The compiled engine, as the worker uses it: records as everywhere in Tocsin."""

from typing import Any

from benchmarks.codec.alone import Door
from benchmarks.codec.through import through


def doors(_: dict[str, Any]) -> tuple[Door, Door]:
    """How it reads and writes."""
    return through("compiled")
