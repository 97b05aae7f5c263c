"""A broker that is away loses nothing: what waits stays in the journal, and the sentence says how much."""

import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from producers.intake import Intake
from producers.journal import entries
from producers.journal.store import Journal, open_journal
from producers.sending import Sender
from schemas.failures import Temporary
from schemas.records.identifiers import MemberId
from schemas.topics import submitted_topic
from tests.builders import counted
from tests.builders.drafts import a_submitter, an_entry, an_envelope
from tests.builders.reports import HOUR_MS, NOON_MS
from tests.builders.submitting import an_office
from tocsin.runtime.logs import JsonLines
from tocsin.runtime.settings import KafkaSettings

MEMBER = MemberId("plat-a")
NOBODY = KafkaSettings(bootstrap="127.0.0.1:1", plaintext=True)


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The outcomes of the log's lines, in order."""
    return [
        json.loads(line)["outcome"]
        for record in caplog.records
        if record.name == "producers.sending"
        for line in JsonLines().format(record).splitlines()
    ]


def test_without_broker_everything_waits_in_the_journal(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="producers.sending")
    journal = open_journal(tmp_path, MEMBER)
    found = [an_entry(submitter_reference=f"case-{n}") for n in range(3)]
    list(Intake(journal, a_submitter(), an_envelope(), lambda: NOON_MS).take(found))
    started, before = time.monotonic(), (counted.timed("journal"), counted.failed("journal", "temporary"))
    with pytest.raises(Temporary) as failed:
        Sender(NOBODY, journal, MEMBER, lambda: NOON_MS).send(wait_seconds=1.0)
    assert failed.value.code == "send.away"
    assert "3 reports wait" in str(failed.value)
    assert told(caplog) == ["waiting"] * 3
    assert time.monotonic() - started < 15
    assert (counted.timed("journal") - before[0], counted.failed("journal", "temporary") - before[1]) == (1, 1)
    with journal.begin() as connection:
        assert entries.waiting_count(connection) == 3
    journal.close()


def test_an_hour_without_broker_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    clock = [NOON_MS]
    with an_office(tmp_path) as office:
        journal = open_journal(tmp_path / "state", MEMBER)
        found = [an_entry(submitter_reference=f"case-{n}") for n in range(1_200)]
        list(Intake(journal, a_submitter(), an_envelope(), lambda: clock[0]).take(found))
        with journal.begin() as connection:
            intended = [one.value for one in entries.waiting(connection, 0, 2_000)]
        for _ in range(3):
            with pytest.raises(Temporary):
                Sender(NOBODY, journal, MEMBER, lambda: clock[0]).send(wait_seconds=0.2)
            clock[0] += HOUR_MS // 3
        before = counted.timed("journal"), counted.left("journal", "confirmed")
        back = KafkaSettings(bootstrap=office.bootstrap, plaintext=True)
        assert Sender(back, journal, MEMBER, lambda: clock[0]).send(wait_seconds=60) == 1_200
        assert Sender(back, journal, MEMBER, lambda: clock[0]).send(wait_seconds=60) == 0
        assert sorted(office.values()) == sorted(intended)
        assert counted.timed("journal") - before[0] == 2, "pages of a thousand"
        assert counted.left("journal", "confirmed") - before[1] == 1_200
        journal.close()


A_BROKER = """
import sys
from confluent_kafka import Producer
cluster = Producer({"bootstrap.servers": "none", "test.mock.num.brokers": 1, "log_level": 0})
cluster.list_topics(sys.argv[1], timeout=10)
(broker,) = cluster.list_topics(timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


@contextmanager
def a_broker_that_can_be_killed() -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-c", A_BROKER, submitted_topic(MEMBER)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as broker:  # noqa: S603  # our own words
        assert broker.stdout is not None
        yield broker.stdout.readline().strip(), broker
        broker.kill()


def test_a_broker_that_dies_in_the_middle_keeps_what_it_confirmed_and_the_rest_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="producers.sending")
    journal = open_journal(tmp_path, MEMBER)
    found = [an_entry(submitter_reference=f"case-{n}") for n in range(2_500)]
    list(Intake(journal, a_submitter(), an_envelope(), lambda: NOON_MS).take(found))
    with a_broker_that_can_be_killed() as (bootstrap, broker), pytest.raises(Temporary) as failed:
        _sender(bootstrap, journal).send(8.0, confirmed=lambda _: broker.kill())
    assert failed.value.code == "send.away"
    assert "1500 reports wait" in str(failed.value)
    assert Counter(told(caplog)) == {"confirmed": 1_000, "waiting": 1_000}, "a page each"
    with a_broker_that_can_be_killed() as (bootstrap, _):
        assert _sender(bootstrap, journal).send(wait_seconds=60) == 1_500
    journal.close()


def _sender(bootstrap: str, journal: Journal) -> Sender:
    return Sender(KafkaSettings(bootstrap=bootstrap, plaintext=True), journal, MEMBER, lambda: NOON_MS)


def test_with_nothing_to_send_no_broker_is_asked(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEMBER)
    assert Sender(NOBODY, journal, MEMBER, lambda: NOON_MS).send(wait_seconds=0.0) == 0
    journal.close()
