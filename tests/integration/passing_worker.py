"""A worker that copies records from its topics to another one with the real runner; started as a process by tests.

The positions come from a file that settle writes, as triage's come from its ledger.
"""

import json
import os
import sys
from pathlib import Path

from msgspec import Struct

from schemas.records.values import Coordinate
from tocsin.runtime.health import Health
from tocsin.runtime.logs import configure
from tocsin.runtime.settings import load
from tocsin.runtime.transport.application import WorkerSettings
from tocsin.runtime.transport.pauses import Bookkeeping
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.slices import OutRecord, Slice
from tocsin.runtime.transport.worker import run_worker


class Passing(Struct, frozen=True):
    piece: Slice
    records: tuple[OutRecord, ...]


class PassStages(Stages[Slice, Slice, Passing]):
    """Copies values; `skip` makes slices without output, `settle` keeps the next offset per partition."""

    name = "passing"

    def __init__(self, output: str, state: Path) -> None:
        self._output = output
        self._state = state

    def decide(self, piece: Slice) -> Slice:
        return piece

    def claim(self, decided: Slice) -> Slice:
        return decided

    def finish(self, claimed: Slice) -> Passing:
        kept = tuple(record for record in claimed.records if record.value != b"skip")
        records = (OutRecord(topic=self._output, key=r.key or b"", value=r.value or b"") for r in kept)
        return Passing(claimed, tuple(records))

    def settle(self, finished: Passing, coordinates: tuple[Coordinate, ...]) -> None:
        assert len(coordinates) == len(finished.records)
        self._write(finished.piece)

    def positions(self, keys: object) -> dict[tuple[str, int], int]:
        found = {}
        for topic, partition in keys:  # type: ignore[attr-defined]  # pairs, as the runner asks
            file = self._file(topic, partition)
            if file.exists():
                found[topic, partition] = int(file.read_text())
        return found

    def _write(self, piece: Slice) -> None:
        file = self._file(piece.topic, piece.partition)
        draft = file.with_suffix(f".{os.getpid()}")
        draft.write_text(str(piece.next_offset))
        draft.replace(file)

    def _file(self, topic: str, partition: int) -> Path:
        return self._state / f"{topic}-{partition}.next"


def main() -> None:
    arguments = json.loads(sys.argv[1])
    configure("INFO")
    settings = load(Path(arguments["settings"]))
    state = Path(arguments["state"])
    state.mkdir(exist_ok=True)
    stages = PassStages(arguments["output"], state)
    worker = WorkerSettings(
        group=arguments["group"],
        instance=arguments["instance"],
        topics=tuple(arguments["topics"]),
        data_folder=state / "faust",
        session_seconds=arguments.get("session_seconds", 6.0),
        slice_records=arguments.get("slice_records", 500),
    )
    run_worker(settings.kafka, worker, stages, Bookkeeping(positions=stages.positions), Health())


if __name__ == "__main__":
    main()
