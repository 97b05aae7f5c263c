"""What librdkafka tells of a client, as a scrape sees it: sums grow by what is new, the rest is as it is now."""

import time

import msgspec
import pytest
from confluent_kafka import Producer

from tocsin.runtime.client_statistics import Client, publisher, statistics
from tocsin.runtime.metrics import REGISTRY

CLIENT: Client = "post"
SUMS = ("tocsin_client_sent_bytes_total", "tocsin_client_errors_total")


def shown(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"client": CLIENT}) or 0


def a_report(*brokers: dict[str, object], records: int = 0, sent_bytes: int = 0) -> str:
    named = {f"broker-{number}": broker for number, broker in enumerate(brokers)}
    return msgspec.json.encode({"msg_cnt": records, "tx_bytes": sent_bytes, "brokers": named, "name": "x"}).decode()


def test_sums_of_a_client_grow_by_what_is_new_in_its_report() -> None:
    publish, before = publisher(CLIENT), [shown(name) for name in SUMS]
    publish(a_report({"txerrs": 2}, {"rxerrs": 1}, sent_bytes=700))
    publish(a_report({"txerrs": 2}, {"rxerrs": 3}, sent_bytes=1_000))
    assert [shown(name) - old for name, old in zip(SUMS, before, strict=True)] == [1_000, 5]


def test_what_waits_and_how_long_the_slowest_broker_takes_are_as_the_last_report_says() -> None:
    publish = publisher(CLIENT)
    slow, fast = {"outbuf_cnt": 2, "rtt": {"p99": 250_000}}, {"outbuf_cnt": 1, "rtt": {"p99": 900}}
    publish(a_report(slow, fast, records=40))
    assert shown("tocsin_client_queue_records") == 40
    assert shown("tocsin_client_unsent_requests") == 3
    assert shown("tocsin_client_round_trip_seconds") == pytest.approx(0.25)
    publish(a_report(fast))
    assert shown("tocsin_client_queue_records") == 0
    assert shown("tocsin_client_unsent_requests") == 1
    assert shown("tocsin_client_round_trip_seconds") == pytest.approx(0.0009)


def test_a_real_client_tells_its_figures_in_the_words_that_are_read() -> None:
    """Its broker is librdkafka's own, in the process; the interval is shorter than in service."""
    asked = statistics(CLIENT) | {"statistics.interval.ms": 100, "test.mock.num.brokers": 1, "log_level": 0}
    producer, sent = Producer({"bootstrap.servers": "none"} | asked), shown("tocsin_client_sent_bytes_total")
    producer.produce("any", b"a record")
    slowest, ends = 0.0, time.monotonic() + 20
    while not (slowest and shown("tocsin_client_sent_bytes_total") > sent) and time.monotonic() < ends:
        producer.poll(0.05)
        slowest = max(slowest, shown("tocsin_client_round_trip_seconds"))
    assert 0 < slowest < 20
    assert shown("tocsin_client_sent_bytes_total") > sent
