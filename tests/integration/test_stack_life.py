"""A home whose services die one by one, and what a home that is down says; on a stack of its own."""

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.records.identifiers import MemberId
from schemas.topics import submitted_topic
from tocsin.stack.charter import sample_charter
from tocsin.stack.daemons import works_in
from tocsin.stack.local import LocalStack

pytestmark = pytest.mark.stack

MEMBER: Final = MemberId("plat-a")
TOPIC: Final = submitted_topic(MEMBER)
NAMES: Final = ("kafka", "postgresql", "registry")


class Home:
    """A stack of this module and what it must not lose."""

    def __init__(self, folder: Path) -> None:
        self.stack = LocalStack(folder)
        self.charter = sample_charter()

    def up(self) -> None:
        self.stack.up(self.charter)

    def write(self) -> None:
        """One record and one row more, both confirmed."""
        producer = Producer(self.stack.client(MEMBER) | {"enable.idempotence": True})
        outcomes: list[object] = []
        producer.produce(TOPIC, b"x", partition=0, on_delivery=partial(_note, outcomes))
        assert (producer.flush(30), outcomes) == (0, [None])
        with self.stack.postgres.connect("ops", "tocsin") as connection:
            connection.execute("create table if not exists life (n int)")
            connection.execute("insert into life values (1)")

    def kept(self) -> tuple[int, int, bool]:
        """How many records and rows there are, and whether the schemas are."""
        consumer = Consumer(self.stack.client("ops") | {"group.id": "ops.life"})
        _, end = consumer.get_watermark_offsets(TopicPartition(TOPIC, 0), timeout=30)
        consumer.close()
        with self.stack.postgres.connect("ops", "tocsin") as connection:
            ((rows,),) = connection.execute("select count(*) from life").fetchall()
        subjects = httpx.get(f"{self.stack.registry.url}/subjects", timeout=30, verify=self.stack.registry.tls).json()
        assert isinstance(rows, int)
        return end, rows, set(self.charter.subjects) <= set(subjects)

    def pids(self) -> dict[str, int | None]:
        return {daemon.name: daemon.pid() for daemon in self.stack.daemons}


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home(tmp_path_factory.mktemp("life") / "home")
    try:
        yield home
    finally:
        home.stack.down()


@pytest.fixture
def home(life: Home) -> Home:
    """Up, with something in it."""
    life.up()
    life.write()
    return life


def _note(outcomes: list[object], error: object, _: object) -> None:
    outcomes.append(error)


def tocsin(home: Home, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(home.stack.home)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603  # our own words


@pytest.mark.parametrize("name", NAMES)
def test_what_was_killed_runs_again_after_up_with_its_data(home: Home, name: str) -> None:
    before, pids = home.kept(), home.pids()
    next(daemon for daemon in home.stack.daemons if daemon.name == name).kill()
    assert home.pids()[name] is None
    home.up()
    assert home.kept() == before
    assert [other for other in NAMES if home.pids()[other] != pids[other]] == [name]


def test_a_member_may_write_the_moment_up_returns(home: Home) -> None:
    """Its first idempotent producer would end for good where the access rules were not in force yet."""
    for member in (member for member in home.charter.members if member.submits):
        outcomes: list[object] = []
        producer = Producer(home.stack.client(member.member_id) | {"enable.idempotence": True})
        producer.produce(submitted_topic(member.member_id), b"x", on_delivery=partial(_note, outcomes))
        assert (producer.flush(30), outcomes) == (0, [None])


def test_the_home_is_for_its_owner_only(home: Home) -> None:
    home.stack.home.chmod(0o755)
    LocalStack(home.stack.home)
    assert home.stack.home.stat().st_mode & 0o777 == 0o700
    secrets = [
        *home.stack.home.glob("secrets/*"),
        *home.stack.home.glob("certificates/*"),
        *home.stack.home.glob("config/*.toml"),
    ]
    assert {file.stat().st_mode & 0o777 for file in secrets} == {0o600}


def test_down_leaves_no_process_and_no_port_and_doctor_says_so(home: Home) -> None:
    stack = home.stack
    stack.down()
    assert not any(home.pids().values())
    for service in (stack.kafka, stack.postgres, stack.registry):
        service.require_ports()
    assert not works_in(stack.home / "postgresql")
    assert not processes_that_name(stack.home)
    status, doctor = tocsin(home, "status"), tocsin(home, "doctor")
    assert (status.returncode, doctor.returncode) == (4, 4)
    assert "→ tocsin up" in doctor.stdout
    assert not any(word in doctor.stderr + status.stderr for word in ("Traceback", "rdkafka"))


def processes_that_name(folder: Path) -> list[str]:
    """Command lines that hold the folder's name, apart from ours."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words and "pytest" not in words:
            found.append(words)
    return found
