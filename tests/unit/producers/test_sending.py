"""A broker that is away loses nothing: what waits stays in the journal, and the sentence says how much."""

import time
from pathlib import Path

import pytest

from producers.intake import Intake
from producers.journal import entries
from producers.journal.store import open_journal
from producers.sending import Sender
from schemas.failures import Temporary
from schemas.records.identifiers import MemberId
from tests.builders.drafts import a_submitter, an_entry
from tests.builders.reports import HOUR_MS, NOON_MS
from tests.builders.submitting import an_office
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.settings import KafkaSettings

MEMBER = MemberId("plat-a")
NOBODY = KafkaSettings(bootstrap="127.0.0.1:1")


def test_without_broker_everything_waits_in_the_journal(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEMBER)
    found = [an_entry(submitter_reference=f"case-{n}") for n in range(3)]
    list(Intake(journal, a_submitter(), RecordCodec(FixedDirectory()), lambda: NOON_MS).take(found))
    started = time.monotonic()
    with pytest.raises(Temporary) as failed:
        Sender(NOBODY, journal, MEMBER, lambda: NOON_MS).send(wait_seconds=1.0)
    assert failed.value.code == "send.away"
    assert "3 reports wait" in str(failed.value)
    assert time.monotonic() - started < 15
    with journal.begin() as connection:
        assert entries.waiting_count(connection) == 3
    journal.close()


def test_an_hour_without_broker_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    clock = [NOON_MS]
    with an_office(tmp_path) as office:
        journal = open_journal(tmp_path / "state", MEMBER)
        found = [an_entry(submitter_reference=f"case-{n}") for n in range(1_200)]
        list(Intake(journal, a_submitter(), RecordCodec(FixedDirectory()), lambda: clock[0]).take(found))
        with journal.begin() as connection:
            intended = [one.value for one in entries.waiting(connection, 0, 2_000)]
        for _ in range(3):
            with pytest.raises(Temporary):
                Sender(NOBODY, journal, MEMBER, lambda: clock[0]).send(wait_seconds=0.2)
            clock[0] += HOUR_MS // 3
        back = KafkaSettings(bootstrap=office.bootstrap)
        assert Sender(back, journal, MEMBER, lambda: clock[0]).send(wait_seconds=60) == 1_200
        assert Sender(back, journal, MEMBER, lambda: clock[0]).send(wait_seconds=60) == 0
        assert sorted(office.values()) == sorted(intended)
        journal.close()


def test_with_nothing_to_send_no_broker_is_asked(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, MEMBER)
    assert Sender(NOBODY, journal, MEMBER, lambda: NOON_MS).send(wait_seconds=0.0) == 0
    journal.close()
