"""What the bounds on a batch cost (ADR 0040): our reader beside aiokafka's own, on the same fetches, side by side."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from benchmarks.world import reports
from schemas.codec import encode
from tocsin.runtime.transport.unpacking import BoundedRecords

CODECS: Final[Mapping[str, int]] = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
_BATCH: Final = 100
"""Reports a batch: about 56 kB before it is packed."""
_BATCHES: Final = 20
_ROUNDS: Final = 40
_NOTHING: Final = -1
_NO_LIMIT: Final = 1 << 30


def unpacking() -> dict[str, dict[str, float]]:
    """Medians of CPU-microseconds a record, checksums included, and of the ratios of the rounds, for each codec."""
    values = [encode(report) for report in reports(_BATCH * _BATCHES)]
    return {name: _figures(b"".join(_batches(values, number))) for name, number in CODECS.items()}


def _batches(values: Sequence[bytes], codec: int) -> list[bytes]:
    return [_batch(values[start : start + _BATCH], codec) for start in range(0, len(values), _BATCH)]


def _batch(values: Sequence[bytes], codec: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, codec, 0, _NOTHING, _NOTHING, _NOTHING, _NO_LIMIT)
    for delta, value in enumerate(values):
        builder.append(delta, 1_000, b"key", value, [])
    return bytes(builder.build())


def _figures(fetched: bytes) -> dict[str, float]:
    rounds = [_round(fetched) for _ in range(_ROUNDS)]
    return {
        "aiokafka_us": round(statistics.median(theirs for theirs, _ in rounds), 2),
        "bounded_us": round(statistics.median(ours for _, ours in rounds), 2),
        "bounded / aiokafka": round(statistics.median(ours / theirs for theirs, ours in rounds), 2),
    }


def _round(fetched: bytes) -> tuple[float, float]:
    """One after the other, so that a slow moment of the machine meets both."""
    return _cost(MemoryRecords, fetched), _cost(BoundedRecords, fetched)


def _cost(reader: Callable[[bytes], Any], fetched: bytes) -> float:
    gc.collect()
    started = time.process_time()
    read = _read(reader(fetched))
    assert read == _BATCH * _BATCHES, "both read everything"
    return 1e6 * (time.process_time() - started) / read


def _read(records: Any) -> int:
    count = 0
    while records.has_next():
        batch = records.next_batch()
        batch.validate_crc()
        for record in batch:
            count += record.value is not None
    return count
