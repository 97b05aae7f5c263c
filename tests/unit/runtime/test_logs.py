"""Log lines are JSON, and a storm of one message becomes one line."""

import io
import json
import logging
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from consumers.states import State
from schemas.codec import ENGINE
from tocsin.runtime.logs import JsonLines, RateLimit, client_log, configure, tell_outcomes
from tocsin.runtime.metrics import describe_build


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture(autouse=True)
def _own_root_logger() -> object:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before


def test_a_line_is_one_json_object_with_the_facts_given(stream: io.StringIO) -> None:
    configure(stream=stream)
    logging.getLogger("tocsin.test").info("slice settled", extra={"facts": {"records": 5}})
    line = json.loads(stream.getvalue())
    assert (line["message"], line["records"], line["level"]) == ("slice settled", 5, "info")


def test_a_library_in_a_reconnect_storm_is_held_back(stream: io.StringIO) -> None:
    configure(stream=stream)
    for attempt in range(50):
        logging.getLogger("aiokafka.conn").error("cannot connect, attempt %s", attempt)
    assert len(stream.getvalue().splitlines()) == 1


def test_the_next_line_says_how_many_were_held_back() -> None:
    limit = RateLimit(interval_seconds=10)
    record = logging.LogRecord("aiokafka", logging.ERROR, __file__, 1, "away", None, None)
    record.created = 0.0
    assert limit.filter(record)
    assert not limit.filter(record)
    record.created = 11.0
    assert limit.filter(record)
    assert record.__dict__["facts"] == {"held_back": 1}


def test_lines_of_librdkafka_are_held_back_by_which_of_its_parts_speaks(stream: io.StringIO) -> None:
    configure(stream=stream)
    (log,) = client_log().values()
    for part in ("FAIL", "FAIL", "MAXPOLL", "FAIL"):
        log.log(logging.WARNING, "%s [%s] %s", part, "producer-1", "away")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["logger"], line["message"].split()[0]) for line in told] == [
        ("librdkafka", "FAIL"),
        ("librdkafka", "MAXPOLL"),
    ]


def test_a_client_that_cannot_connect_says_so_in_our_log(stream: io.StringIO) -> None:
    configure(stream=stream)
    producer = Producer({"bootstrap.servers": "127.0.0.1:1"} | client_log())
    ends = time.monotonic() + 20
    while not stream.getvalue() and time.monotonic() < ends:
        producer.poll(0.1)
    first = json.loads(stream.getvalue().splitlines()[0])
    assert (first["logger"], first["level"]) == ("librdkafka", "error")
    assert "127.0.0.1:1" in first["message"]


def test_outcomes_are_a_line_each_and_made_only_where_somebody_listens(stream: io.StringIO) -> None:
    configure(stream=stream)
    log = logging.getLogger("tocsin.test")
    tell_outcomes(log, "courier", [{"outcome": "delivered"}, {"outcome": "parked", "code": "sink.refused"}])
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["stage"], line["outcome"], line.get("code")) for line in told] == [
        ("courier", "delivered", None),
        ("courier", "parked", "sink.refused"),
    ]
    logging.getLogger().setLevel(logging.WARNING)
    tell_outcomes(log, "courier", (pytest.fail("made for nobody") for _ in range(1)))


def test_facts_may_be_counts_by_state_and_values_that_json_does_not_know(stream: io.StringIO) -> None:
    configure(stream=stream)
    facts = {"deliveries": {State.DELIVERED: 2}, "file": Path("answers.json"), "topics": ("a", "b")}
    logging.getLogger("tocsin.test").info("counts", extra={"facts": facts})
    line = json.loads(stream.getvalue())
    assert (line["deliveries"], line["file"], line["topics"]) == ({"delivered": 2}, "answers.json", ["a", "b"])


def test_a_process_writes_down_once_what_it_is_and_what_it_reads_records_with(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO):
        describe_build("deliver")
    (record,) = caplog.records
    line = json.loads(JsonLines().format(record))
    assert line["process"] == "deliver"
    assert line["codec"] == ENGINE
