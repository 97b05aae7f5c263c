"""What a member's client may pack, and what becomes of a batch that unpacks to too much, or to something else."""

import gzip
from collections.abc import Callable
from typing import Any

import cramjam
import pytest
from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.consumer import fetcher
from aiokafka.structs import TopicPartition

from tests.builders.batches import GZIP, LZ4, NONE, SNAPPY, ZSTD, a_batch, body_of, repacked, with_a_gap
from tocsin.runtime.transport.unpacking import (
    BATCH_BYTES,
    BATCH_FAULT,
    BATCH_RECORDS,
    FETCH_RECORDS,
    bound_fetches,
)

TP = TopicPartition("reports.plat-a.submitted.v1", 0)
ENCODERS: dict[int, Callable[[bytes], bytes]] = {
    GZIP: gzip_encode,
    SNAPPY: snappy_encode,
    LZ4: lz4_encode,
    ZSTD: zstd_encode,
}


@pytest.fixture(autouse=True)
def bounded() -> None:
    bound_fetches()


def fetched(*batches: bytes, at: int = 0) -> tuple[list[Any], int]:
    """One fetch through aiokafka's own reader: its records, and where the next fetch begins."""
    records = fetcher.MemoryRecords(b"".join(batches))
    partition = fetcher.PartitionRecords(TP, records, None, at, None, None, True, 0)
    return list(partition), partition.next_fetch_offset


def faults(records: list[Any]) -> list[int]:
    return [record.offset for record in records if record.fault == BATCH_FAULT and record.value is None]


@pytest.mark.parametrize("codec", range(5))
def test_however_a_client_packs_its_records_arrive_as_they_were(codec: int) -> None:
    records, after = fetched(a_batch(b"a", b"b" * 3_000, codec=codec, headers=[("h", b"1")]), a_batch(b"c", base=2))
    assert [(record.offset, record.value, record.headers) for record in records] == [
        (0, b"a", (("h", b"1"),)),
        (1, b"b" * 3_000, (("h", b"1"),)),
        (2, b"c", ()),
    ]
    assert after == 3


def test_snappy_in_one_block_is_read_as_well() -> None:
    batch = a_batch(b"a" * 100)
    records, _ = fetched(repacked(batch, SNAPPY, bytes(cramjam.snappy.compress_raw(body_of(batch)))))
    assert [record.value for record in records] == [b"a" * 100]


@pytest.mark.parametrize("codec", [GZIP, SNAPPY, LZ4, ZSTD])
def test_a_bomb_becomes_a_fault_for_each_of_its_offsets_and_what_stands_around_it_is_read(codec: int) -> None:
    batch = a_batch(b"x", b"y", base=1)
    bomb = repacked(batch, codec, ENCODERS[codec](body_of(batch) + b"\0" * (BATCH_BYTES + 1)))
    records, after = fetched(a_batch(b"before"), bomb, a_batch(b"after", base=3))
    assert [record.offset for record in records] == [0, 1, 2, 3]
    assert faults(records) == [1, 2]
    assert after == 4


@pytest.mark.parametrize("codec", range(1, 8))
def test_what_does_not_unpack_becomes_a_fault(codec: int) -> None:
    records, after = fetched(repacked(a_batch(b"x"), codec, b"neither one nor the other"), a_batch(b"after", base=1))
    assert faults(records) == [0]
    assert (records[-1].value, after) == (b"after", 2)


def test_gzip_with_something_after_it_becomes_a_fault() -> None:
    batch = a_batch(b"x")
    records, _ = fetched(repacked(batch, GZIP, gzip.compress(body_of(batch)) + gzip.compress(b"")))
    assert faults(records) == [0]


def test_a_header_whose_key_is_no_text_becomes_a_fault() -> None:
    batch = a_batch(b"x", headers=[("kkkk", b"1")])
    body = body_of(batch).replace(b"kkkk", b"\xff\xfe\xff\xfe")
    records, after = fetched(repacked(batch, NONE, body), a_batch(b"after", base=1))
    assert faults(records) == [0]
    assert (records[-1].value, after) == (b"after", 2)


@pytest.mark.parametrize(("said", "held"), [(3, 2), (2, 3), (1, 2)])
def test_a_batch_that_says_another_number_of_records_than_it_holds_has_one_for_each_offset(
    said: int, held: int
) -> None:
    batch = a_batch(*(b"x" for _ in range(held)))
    records, after = fetched(repacked(batch, NONE, body_of(batch), said), a_batch(b"after", base=said), at=0)
    assert [record.offset for record in records] == list(range(said + 1))
    assert after == said + 1


def test_inner_offsets_that_leave_a_gap_leave_none_in_what_is_handed_over() -> None:
    records, after = fetched(with_a_gap(a_batch(b"first", b"second")), a_batch(b"after", base=2))
    assert [record.offset for record in records] == [0, 1, 2]
    assert faults(records) == [1]
    assert after == 3


def test_a_fetch_ends_with_the_batch_that_goes_beyond_its_bytes_and_the_next_one_begins_there() -> None:
    large = [a_batch(b"v" * (BATCH_BYTES - 500), base=offset, codec=ZSTD) for offset in range(5)]
    records, after = fetched(*large)
    assert len(records) == after == 3
    assert len(fetched(*large[3:], at=after)[0]) == 2


def test_a_batch_of_too_many_records_is_not_unpacked_and_handed_over_bit_by_bit() -> None:
    batch, count = a_batch(b"x"), 3 * BATCH_RECORDS
    bomb = repacked(batch, ZSTD, zstd_encode(body_of(batch)), count)
    seen, after = [], 0
    while after < count:
        records, after = fetched(bomb, a_batch(b"after", base=count), at=after)
        assert len(records) <= FETCH_RECORDS + 1
        seen += [record.offset for record in records]
    assert seen[:count] == list(range(count))


def test_a_fetch_that_begins_within_a_batch_gives_what_is_left_of_it() -> None:
    batch = a_batch(b"a", b"b", b"c", codec=LZ4)
    assert [record.offset for record in fetched(batch, at=1)[0]] == [1, 2]
