"""The figures of one comparison, kept as JSON beside the page that shows them: each part may be run by itself."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from benchmarks.about import About
from benchmarks.measuring import Run
from benchmarks.peers.kills import Kills
from benchmarks.peers.latency import Latency

PARTS: Final = ("throughput", "latency", "kills")


class Part(About, frozen=True, kw_only=True):
    """Where, when in the code's life, and beside what a part was measured."""

    reports: int
    rounds: int


class Results(Struct, frozen=True, kw_only=True):
    """By peer; a part that was not run yet is empty."""

    parts: Mapping[str, Part] = {}
    throughput: Mapping[str, tuple[Run, ...]] = {}
    latency: Mapping[str, Latency] = {}
    kills: Mapping[str, Kills] = {}
    codecs: Mapping[str, str] = {}
    """The engine that each peer's own environment reads and writes records with, as it says itself."""
