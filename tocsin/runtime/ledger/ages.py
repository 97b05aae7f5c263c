"""Since when records wait on the broker: the LogAppendTime of the first one of each partition that is not settled.

They lie on members' topics, so that they are read within bounds (ADR 0040).
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Final

from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.bounded import BoundedReader, Where

_LOOK_SECONDS: Final = 10.0


def appended_at(kafka: KafkaSettings, firsts: Mapping[Where, int]) -> dict[Where, datetime]:
    """When the record at each offset was appended; what does not answer in time is left out."""
    if not firsts:
        return {}
    with closing(BoundedReader(kafka)) as reader:
        reader.begin(firsts)
        return dict(_first_of_each(reader, set(firsts)))


def _first_of_each(reader: BoundedReader, left: set[Where]) -> Iterator[tuple[Where, datetime]]:
    deadline_seconds = time.monotonic() + _LOOK_SECONDS
    while left - reader.gone and time.monotonic() < deadline_seconds:
        for where, records in reader.more(1).items():
            left.discard(where)
            reader.leave([where])
            yield where, datetime.fromtimestamp(records[0].timestamp_ms / 1000, UTC)
