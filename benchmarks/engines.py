"""The engines that are compared, each a process of its own: `python -m benchmarks.engines NAME HOME`.

`tocsin` is the worker as it runs in production; `loop` the same steps in a plain confluent-kafka loop; `stock` the same
steps in an agent of unchanged Faust, one record at a time. `*-pass` copy values to another topic instead, `*-codec`
read them and write them again on the way, and `*-unlogged` write nothing into the audit log. All three are peers
(benchmarks/peers), here in our own environment.
"""

import os
import signal
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.peers import plain, stock, tocsin
from benchmarks.peers.job import Job, job_of
from benchmarks.world import OUTPUT
from processors import settled
from schemas.records.report import ReportSubmitted
from schemas.records.values import Coordinate
from tocsin.runtime import settings
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, Slice


class Passed(Struct, frozen=True):
    """A slice that is only copied."""

    piece: Slice
    records: tuple[OutRecord, ...]


class PassStages(Stages[Slice, Slice, Passed]):
    """Copies values to the output topic."""

    name = "pass"

    def decide(self, piece: Slice) -> Slice:
        """Nothing to decide."""
        return piece

    def claim(self, decided: Slice) -> Slice:
        """Nothing to claim."""
        return decided

    def finish(self, claimed: Slice) -> Passed:
        """The same keys and values for another topic."""
        return Passed(
            claimed,
            tuple(
                OutRecord(topic=OUTPUT, key=r.key or b"", value=self.passed(r.value or b"")) for r in claimed.records
            ),
        )

    def passed(self, value: bytes) -> bytes:
        """As it came."""
        return value

    def settle(self, finished: Passed, coordinates: tuple[Coordinate, ...]) -> None:
        """Nothing to settle."""


class CodecStages(PassStages):
    """Reads each value and writes it again."""

    def __init__(self, codec: RecordCodec) -> None:
        self._codec = codec

    def passed(self, value: bytes) -> bytes:
        """The same bytes, of a record that was made in between."""
        return self._codec.dumps(self._codec.loads(value, ReportSubmitted))


ENGINES: Final[Mapping[str, Callable[[Job], None]]] = {
    "tocsin": tocsin.run,
    "loop": plain.run,
    "stock": stock.run,
    "stock-pass": partial(stock.run_app, waits=False),
}


def main() -> None:
    """Run one engine until it is killed."""
    name, home = sys.argv[1], Path(sys.argv[2])
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    engine, _, how = name.partition("-")
    job = job_of(home, f"triage.bench-{engine}-{os.getpid()}")
    if how == "pass":
        job = replace(job, stages=PassStages())
    if how == "codec":
        directory = SchemaDirectory(settings.load(home / "config" / "ops.toml").registry)
        job = replace(job, stages=CodecStages(RecordCodec(directory)))
    if how == "unlogged":
        settled.audited = lambda *_: iter(())  # type: ignore[attr-defined]  # a switch that production does not have
    sys.argv = [sys.argv[0], "worker"]
    ENGINES.get(name, ENGINES[engine])(job)


if __name__ == "__main__":
    main()
