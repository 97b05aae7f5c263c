"""The figures of one comparison, kept as JSON beside the page that shows them: each part may be run by itself."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.measuring import Run
from benchmarks.peers.kills import Kills
from benchmarks.peers.latency import Latency

PARTS: Final = ("throughput", "latency", "kills")


class Part(Struct, frozen=True, kw_only=True):
    """Where, when in the code's life, and beside what a part was measured."""

    commit: str
    cores: int
    load: float
    """Load average of the last minute when it began: what else the machine was doing."""
    reports: int
    rounds: int


class Results(Struct, frozen=True, kw_only=True):
    """By peer; a part that was not run yet is empty."""

    parts: Mapping[str, Part] = {}
    throughput: Mapping[str, tuple[Run, ...]] = {}
    latency: Mapping[str, Latency] = {}
    kills: Mapping[str, Kills] = {}


def read(file: Path) -> Results:
    """What is there, or nothing yet."""
    return msgspec.json.decode(file.read_bytes(), type=Results) if file.exists() else Results()


def write(file: Path, results: Results) -> None:
    """Indented, so that a change can be reviewed."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
