"""Batches as a client of its own could write them, whatever its records say, and their way to a broker."""

import ssl
import struct
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.codec import gzip_encode, zstd_encode
from aiokafka.errors import KafkaError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)
"""How a batch's attributes name what packed it."""
HEADER_BYTES: Final = 61
_BOMB_BYTES: Final = 300_000_000
_LENGTH_AT, _CRC_AT, _ATTRIBUTES_AT, _LAST_DELTA_AT, _COUNT_AT = 8, 17, 21, 23, 57


def a_batch(*values: bytes, base: int = 0, codec: int = NONE, headers: Any = ()) -> bytes:
    """As aiokafka's producer writes it, placed at an offset as the broker does."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    for delta, value in enumerate(values):
        builder.append(delta, 1_000, None, value, list(headers))
    batch = bytearray(builder.build())
    struct.pack_into(">q", batch, 0, base)
    return bytes(batch)


def body_of(batch: bytes) -> bytes:
    """What would be packed of it."""
    return batch[HEADER_BYTES:]


def repacked(batch: bytes, codec: int, body: bytes, count: int | None = None) -> bytes:
    """Another body under the same header, and another number of records, with a checksum that fits."""
    made = bytearray(batch[:HEADER_BYTES]) + body
    made[_ATTRIBUTES_AT + 1] = codec
    struct.pack_into(">i", made, _LENGTH_AT, len(made) - _LENGTH_AT - 4)
    if count is not None:
        struct.pack_into(">i", made, _LAST_DELTA_AT, count - 1)
        struct.pack_into(">i", made, _COUNT_AT, count)
    struct.pack_into(">I", made, _CRC_AT, calc_crc32c(bytes(made[_ATTRIBUTES_AT:])))
    return bytes(made)


def with_a_gap(batch: bytes) -> bytes:
    """A batch of two records whose second one says that it is the eleventh; its value is `second`."""
    body = bytearray(body_of(batch))
    body[body.rindex(b"second") - 3] = 20  # a zigzag number, before the lengths of key and value
    return repacked(batch, NONE, bytes(body))


def bombs() -> dict[str, bytes]:
    """Batches that the broker takes and no client of ours writes, each with one record, or two."""
    one = a_batch(b"x")
    record = a_batch(b"\0" * _BOMB_BYTES)
    texts = body_of(a_batch(b"x", headers=[("kkkk", b"1")])).replace(b"kkkk", b"\xff\xfe\xff\xfe")
    return {
        "a bomb of zstd": repacked(one, ZSTD, zstd_encode(body_of(record))),
        "a bomb of gzip": repacked(one, GZIP, gzip_encode(body_of(record))),
        "a header's key that is no text": repacked(one, NONE, texts),
        "a gap within a batch": with_a_gap(a_batch(b"first", b"second")),
        "as large as the topic takes": a_batch(b"x" * 1_048_400),
        "larger than the producer of triage takes": repacked(
            one, ZSTD, zstd_encode(body_of(a_batch(b"x" * 3_000_000)))
        ),
    }


def count_of(batch: bytes) -> int:
    """How many records it says it holds."""
    (count,) = struct.unpack_from(">i", batch, _COUNT_AT)
    return int(count)


async def sent(client: Mapping[str, Any], topic: str, *batches: bytes) -> list[str]:
    """Send each to the first partition as it is; what the broker said to each, nothing where it took it."""
    producer = AIOKafkaProducer(bootstrap_servers=client["bootstrap.servers"], acks="all", **_shown(client))
    await producer.start()
    try:
        return [await _one(producer, topic, batch) for batch in batches]
    finally:
        await producer.stop()


def _shown(client: Mapping[str, Any]) -> dict[str, Any]:
    """Its certificate; nothing towards a small broker, which speaks plain."""
    if "ssl.ca.location" not in client:
        return {}
    context = ssl.create_default_context(cafile=client["ssl.ca.location"])
    context.load_cert_chain(client["ssl.certificate.location"], client["ssl.key.location"])
    return {"security_protocol": "SSL", "ssl_context": context}


async def _one(producer: Any, topic: str, raw: bytes) -> str:
    batch = producer.create_batch()
    batch._buffer, batch._closed, batch._relative_offset = bytearray(raw), True, count_of(raw)
    try:
        await (await producer.send_batch(batch, topic, partition=0))
    except KafkaError as error:
        return type(error).__name__
    return ""
