"""Log lines are JSON, and a storm of one message becomes one line."""

import io
import json
import logging

import pytest

from tocsin.runtime.logs import RateLimit, configure


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
