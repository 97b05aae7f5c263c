"""What the bounded reader gives, what it refuses and where it stops, alone, on librdkafka's small broker (ADR 0040)."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Final

import pytest
from aiokafka.codec import gzip_encode, zstd_encode
from confluent_kafka import Producer
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.failures import Temporary
from tests.builders.batches import GZIP, NONE, ZSTD, a_batch, body_of, repacked, sent
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.bounded import BoundedReader, Where
from tocsin.runtime.transport.slices import RawRecord
from tocsin.runtime.transport.unpacking import BATCH_BYTES, BATCH_FAULT, BATCH_RECORDS, FETCH_BYTES, FETCH_RECORDS

NUMBERS: Final = count()
CALLS: Final = 150
"""After so many, whoever reads gives up: twice as many as the longest of these needs."""
TOO_LARGE: Final = body_of(a_batch(b"\0" * (BATCH_BYTES + 1)))
NO_TEXT: Final = body_of(a_batch(b"x", headers=[("kkkk", b"1")])).replace(b"kkkk", b"\xff\xfe\xff\xfe")
SCHEDULES: Final = st.lists(st.lists(st.binary(max_size=40), min_size=1, max_size=5), min_size=1, max_size=5)
"""The values of each batch of one partition."""


class SmallBroker:
    """A broker within this process, which speaks plain and forgets everything with its test file."""

    def __init__(self) -> None:
        self._cluster = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
        (found,) = self._cluster.list_topics(timeout=10).brokers.values()
        self.kafka = KafkaSettings(bootstrap=f"{found.host}:{found.port}", plaintext=True)

    def topic(self, *batches: bytes) -> Where:
        """A new one whose first partition holds these, as they are."""
        name = f"reports.plat-{next(NUMBERS)}.submitted.v1"
        self._cluster.list_topics(name, timeout=10)  # asking makes it
        said = asyncio.run(sent(self.kafka.client(), name, *batches))
        assert not any(said), said
        return name, 0

    def close(self) -> None:
        """It answers nobody after it."""
        self._cluster.purge()


@pytest.fixture(scope="module")
def broker() -> Iterator[SmallBroker]:
    broker = SmallBroker()
    yield broker
    broker.close()


@pytest.fixture
def reader(broker: SmallBroker) -> Iterator[BoundedReader]:
    reader = BoundedReader(broker.kafka)
    yield reader
    reader.close()


def pieces(reader: BoundedReader, ends: dict[Where, int], most: int = 100) -> list[tuple[Where, list[RawRecord]]]:
    """What each call gave until every end was reached, or nothing more can come."""
    left, found = dict(ends), []
    for _ in range(CALLS):
        found += list(reader.more(most).items())
        reached = reader.reached(left) | reader.gone
        left = {where: end for where, end in left.items() if where not in reached}
        if not left:
            return found
    pytest.fail(f"not read to the end: {left}")


def records_of(reader: BoundedReader, where: Where, end: int, most: int = 100) -> list[RawRecord]:
    reader.begin({where: 0})
    return [record for _, piece in pieces(reader, {where: end}, most) for record in piece]


def offsets(records: Sequence[RawRecord]) -> list[int]:
    return [record.offset for record in records]


def faults(records: Sequence[RawRecord]) -> list[int]:
    return [record.offset for record in records if record.fault == BATCH_FAULT and record.value is None]


def test_a_record_comes_with_its_value_and_its_headers_from_the_place_that_was_named(
    broker: SmallBroker, reader: BoundedReader
) -> None:
    where = broker.topic(a_batch(b"before"), a_batch(b"first", headers=[("h", b"1")]), a_batch(b"second"))
    reader.begin({where: 1})
    (_, first), (_, second) = pieces(reader, {where: 3}, most=1)
    assert [(one.offset, one.value, one.headers, one.fault) for one in first + second] == [
        (1, b"first", (("h", b"1"),), ""),
        (2, b"second", (), ""),
    ]


def test_where_it_begins_again_it_reads_there_and_nowhere_else(broker: SmallBroker, reader: BoundedReader) -> None:
    one, other = broker.topic(a_batch(b"a")), broker.topic(a_batch(b"b"), a_batch(b"c"))
    reader.begin({one: 0})
    assert [where for where, _ in pieces(reader, {one: 1})] == [one]
    reader.begin({other: 1})
    assert [(where, offsets(piece)) for where, piece in pieces(reader, {other: 2})] == [(other, [1])]


def test_what_was_left_gives_nothing_more_and_the_others_go_on(broker: SmallBroker, reader: BoundedReader) -> None:
    left, other = broker.topic(*[a_batch(b"a")] * 3), broker.topic(*[a_batch(b"b")] * 3)
    reader.begin({left: 0, other: 0})
    reader.leave([left])
    assert {where for where, _ in pieces(reader, {other: 3}, most=1)} == {other}


def test_a_topic_that_has_nothing_is_read_to_its_end_at_once(broker: SmallBroker, reader: BoundedReader) -> None:
    assert records_of(reader, broker.topic(), 0) == []


def test_a_place_that_the_broker_has_no_more_is_named_and_stops_nobody(
    broker: SmallBroker, reader: BoundedReader
) -> None:
    gone, other = broker.topic(a_batch(b"a")), broker.topic(a_batch(b"b"))
    reader.begin({gone: 50, other: 0})
    found = pieces(reader, {gone: 51, other: 1})
    assert reader.gone == {gone}
    assert [where for where, _ in found] == [other]


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(repacked(a_batch(b"x"), ZSTD, zstd_encode(TOO_LARGE)), id="zstd that becomes too large"),
        pytest.param(repacked(a_batch(b"x"), GZIP, gzip_encode(TOO_LARGE)), id="gzip that becomes too large"),
        pytest.param(repacked(a_batch(b"x"), ZSTD, b"no zstd"), id="what does not unpack"),
        pytest.param(repacked(a_batch(b"x", headers=[("kkkk", b"1")]), NONE, NO_TEXT), id="a key that is no text"),
    ],
)
def test_what_no_client_of_ours_packs_is_refused_in_its_place_and_what_stands_around_it_is_read(
    broker: SmallBroker, reader: BoundedReader, refused: bytes
) -> None:
    where = broker.topic(a_batch(b"before"), refused, a_batch(b"after"))
    records = records_of(reader, where, 3)
    assert (offsets(records), faults(records)) == ([0, 1, 2], [1])
    assert (records[0].value, records[2].value) == (b"before", b"after")


def test_a_batch_of_more_records_than_may_be_is_refused_for_each_and_no_call_gives_more_than_a_fetch(
    broker: SmallBroker, reader: BoundedReader
) -> None:
    many = 3 * BATCH_RECORDS
    packed = zstd_encode(body_of(a_batch(b"x")))
    where = broker.topic(repacked(a_batch(b"x"), ZSTD, packed, many), a_batch(b"after"))
    reader.begin({where: 0})
    sizes, seen = [], list[RawRecord]()
    for _, piece in pieces(reader, {where: many + 1}, most=2 * many):
        sizes.append(len(piece))
        seen += piece
    assert max(sizes) <= FETCH_RECORDS + 1, "a fetch, and the one record that it was asked for with"
    assert (offsets(seen), len(faults(seen))) == (list(range(many + 1)), many)


def test_no_call_unpacks_more_than_a_fetch_may_become(broker: SmallBroker, reader: BoundedReader) -> None:
    large = a_batch(b"v" * (BATCH_BYTES - 500), codec=ZSTD)
    where = broker.topic(*[large] * 6)
    reader.begin({where: 0})
    sizes = [sum(len(one.value or b"") for one in piece) for _, piece in pieces(reader, {where: 6})]
    assert sum(sizes) == 6 * (BATCH_BYTES - 500), "none is refused"
    assert max(sizes) < FETCH_BYTES + BATCH_BYTES


def test_a_broker_that_is_away_is_said_to_be_and_the_reader_can_be_closed() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        reader = BoundedReader(KafkaSettings(bootstrap=f"127.0.0.1:{nobody.getsockname()[1]}", plaintext=True))
        with pytest.raises(Temporary) as failure:
            reader.begin({("reports.plat-a.submitted.v1", 0): 0})
        assert failure.value.code == "kafka.away"
        reader.close()


def test_a_reader_that_never_began_can_be_closed(broker: SmallBroker) -> None:
    BoundedReader(broker.kafka).close()


@settings(max_examples=15)
@given(schedules=st.lists(SCHEDULES, min_size=1, max_size=3), most=st.integers(1, 7), data=st.data())
def test_whatever_lies_there_comes_once_in_order_of_one_partition_a_call_and_no_more_than_asked_for(
    broker: SmallBroker, schedules: list[list[list[bytes]]], most: int, data: st.DataObject
) -> None:
    batches = [[a_batch(*values) for values in schedule] for schedule in schedules]
    values = [[value for batch in schedule for value in batch] for schedule in schedules]
    wheres = [broker.topic(*schedule) for schedule in batches]
    starts = [data.draw(st.integers(0, len(each))) for each in values]
    reader = BoundedReader(broker.kafka)
    reader.begin(dict(zip(wheres, starts, strict=True)))
    found: dict[Where, list[RawRecord]] = {where: [] for where in wheres}
    for where, piece in pieces(reader, dict(zip(wheres, map(len, values), strict=True)), most):
        assert 1 <= len(piece) <= most
        found[where] += piece
    reader.close()
    for where, start, each in zip(wheres, starts, values, strict=True):
        assert [(one.offset, one.value) for one in found[where]] == list(enumerate(each))[start:]
