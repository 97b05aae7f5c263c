"""A process that looks records up, as who decides anew does, and their ages, and tells what memory that took."""

import json
import os
import sys
from pathlib import Path

from benchmarks.measuring import peak_bytes
from schemas.records.values import Coordinate
from tocsin.runtime.ledger.ages import appended_at
from tocsin.runtime.records import Records
from tocsin.runtime.settings import load


def main(config: str, topic: str, *offsets: str) -> None:
    """Of partition 0."""
    places = [Coordinate(topic=topic, partition=0, offset=int(offset)) for offset in offsets]
    kafka = load(Path(config)).kafka
    found = Records(kafka)(places)
    ages = [appended_at(kafka, {(topic, 0): offset}) for offset in range(places[0].offset, places[-1].offset + 1)]
    answer = {
        "offsets": sorted(place.offset for place in found),
        "with_age": sum(map(len, ages)),
        "peak_bytes": peak_bytes(os.getpid()),
    }
    print(json.dumps(answer))  # noqa: T201  # its answer


if __name__ == "__main__":
    main(*sys.argv[1:])
