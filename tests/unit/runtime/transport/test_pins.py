"""What we lean on inside Faust and aiokafka: a version that changes it fails here, by name, and not in the field."""

import importlib.metadata
import inspect

import pytest
from aiokafka.errors import ConsumerStoppedError
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from schemas.failures import Broken
from tocsin.runtime.transport.consumer import SliceConsumer, SliceTransport, start_position

OVERRIDDEN = (
    "_filter_tps_with_pending_acks",
    "_new_offset",
    "_should_commit",
    "_commit_offsets",
    "_drain_messages",
    "ack",
    "on_partitions_revoked",
    "perform_seek",
)
CALLED = (
    "_get_active_partitions",
    "_seek",
    "assignment",
    "commit",
    "earliest_offsets",
    "highwater",
    "highwaters",
    "stop_flow",
    "wait_first",
)


def test_the_version_is_the_one_that_was_read_and_measured() -> None:
    assert importlib.metadata.version("faust-streaming") == "0.15.3"


@pytest.mark.parametrize("name", OVERRIDDEN)
def test_what_we_override_exists_and_takes_what_ours_takes(name: str) -> None:
    stock = inspect.signature(getattr(driver.Consumer, name))
    ours = inspect.signature(getattr(SliceConsumer, name))
    assert list(ours.parameters)[: len(stock.parameters)] == list(stock.parameters) or len(ours.parameters) == len(
        stock.parameters
    ), f"{name}{stock} is not what it was"


@pytest.mark.parametrize("name", CALLED)
def test_what_we_call_exists(name: str) -> None:
    assert callable(getattr(driver.Consumer, name))


def test_the_clients_thread_takes_what_we_ask_of_it() -> None:
    asked = inspect.signature(driver.AIOKafkaConsumerThread._fetch_records)
    assert list(asked.parameters) == ["self", "consumer", "active_partitions", "timeout", "max_records"]
    assert callable(driver.AIOKafkaConsumerThread._ensure_consumer)
    assert callable(driver.AIOKafkaConsumerThread.call_thread)


def test_we_override_nothing_else() -> None:
    stock = {name for name, _ in inspect.getmembers(driver.Consumer)}
    ours = {name for name in vars(SliceConsumer) if not name.startswith("__")} & stock
    made_by_metaclasses = {"_abc_impl", "logger"}
    assert ours <= {*OVERRIDDEN, "app"} | made_by_metaclasses


def test_the_driver_builds_our_consumer_and_a_message_takes_our_arguments() -> None:
    assert SliceTransport.Consumer is SliceConsumer
    assert "generation_id" in inspect.signature(ConsumerMessage.__init__).parameters
    assert issubclass(ConsumerStoppedError, Exception)


def test_attributes_of_an_instance_that_we_read_are_set_by_stock_code() -> None:
    source = inspect.getsource(base.Consumer) + inspect.getsource(
        base.ConductorHandler if hasattr(base, "ConductorHandler") else base
    )
    for name in ("_unacked_messages", "_read_offset", "flow_active", "can_resume_flow", "suspend_flow"):
        assert name in source, name


@pytest.mark.parametrize(
    ("known", "start", "end", "expected"),
    [
        (None, 7, 9, 7),
        (8, 7, 9, 8),
        (9, 7, 9, 9),
        (6, 7, 9, "transport.records_gone"),
        (10, 7, 9, "transport.position_beyond_end"),
    ],
)
def test_a_worker_starts_where_it_knows_to_or_not_at_all(
    known: int | None, start: int, end: int, expected: int | str
) -> None:
    try:
        found: int | str = start_position(TP("t", 0), known, start, end)
    except Broken as failure:
        found = failure.code
    assert found == expected
