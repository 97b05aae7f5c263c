"""The local stack as a user meets it: start twice, kill anything, stop, and leave nothing behind."""

import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from sqlalchemy import text

from schemas.records.identifiers import MemberId
from schemas.topics import submitted_topic
from tocsin.runtime import settings
from tocsin.runtime.database import database_of
from tocsin.stack.certificates import Pair
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack

pytestmark = pytest.mark.stack
TOPIC = submitted_topic(MemberId("plat-a"))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-own-"))
    folder.chmod(0o700)
    LocalStack(folder)  # a home, and no folder of something else, whichever test comes first
    yield folder
    LocalStack(folder).down()
    shutil.rmtree(folder, ignore_errors=True)


def tocsin(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words, "--home", str(home)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=180)  # noqa: S603  # our own words


def end_offset(stack: LocalStack) -> int:
    consumer = Consumer(stack.client("ops") | {"group.id": "ops.test"})
    ends = [consumer.get_watermark_offsets(TopicPartition(TOPIC, n), timeout=20)[1] for n in range(2)]
    consumer.close()
    return sum(ends)


def marks(stack: LocalStack) -> int:
    database = database_of(settings.load(stack.config("ops")))
    with database.transaction() as connection:
        connection.execute(text("create table if not exists marks (n integer)"))
        connection.execute(text("insert into marks values (1)"))
        found = int(connection.execute(text("select count(*) from marks")).scalar_one())
    database.close()
    return found


def refused(stack: LocalStack, member: str, topic: str) -> str:
    """The name of the broker's answer to one record, or nothing where it took it."""
    found: list[str] = []
    producer = Producer(stack.client(member) | {"message.timeout.ms": 8_000, "log_level": 0})
    producer.produce(topic, b"x", on_delivery=lambda error, _: found.append(error.name() if error else ""))
    producer.flush(15)
    return found[0] if found else "no answer"


def listening(pid: int) -> set[str]:
    """The addresses on which a process and its children listen."""
    inodes = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            group = os.getpgid(int(process.name))
            links = [str(link.readlink()) for link in (process / "fd").iterdir()] if group == os.getpgid(pid) else []
        except OSError:
            continue
        inodes |= {link[8:-1] for link in links if link.startswith("socket:[")}
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                found.add(fields[1].split(":")[0])
    return found


LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


def test_it_starts_twice_survives_every_kill_and_leaves_nothing_behind(home: Path) -> None:
    stack = LocalStack(home)
    stack.up(sample_charter())
    pids = {daemon.name: daemon.pid() for daemon in stack.daemons}
    stack.up(sample_charter())
    assert {daemon.name: daemon.pid() for daemon in stack.daemons} == pids, "starting twice starts nothing twice"
    assert stat.S_IMODE(home.stat().st_mode) == 0o700

    for daemon in stack.daemons:
        pid = daemon.pid()
        assert pid is not None
        assert listening(pid) <= LOOPBACK, f"{daemon.name} listens beyond loopback"

    assert refused(stack, "plat-a", TOPIC) == ""
    written, marked = end_offset(stack), marks(stack)
    for daemon in stack.daemons:
        pid = daemon.pid()
        assert pid is not None
        os.killpg(os.getpgid(pid), signal.SIGKILL)
    assert tocsin(home, "status").returncode == 4
    stack.up(sample_charter())
    assert tocsin(home, "status").returncode == 0
    assert (end_offset(stack), marks(stack)) == (written, marked + 1), "the data are still there"

    _refuses_strangers(stack)

    ports = [
        stack.kafka.bootstrap.rpartition(":")[2],
        stack.postgres.url("ops").rpartition("@")[2].split(":")[1].split("/")[0],
    ]
    alive = [daemon.pid() for daemon in stack.daemons]
    assert tocsin(home, "down").returncode == 0
    for pid in alive:
        assert pid is not None
        assert not Path(f"/proc/{pid}").exists() or _is_gone(pid)
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", int(port))) != 0
    assert tocsin(home, "down").returncode == 0, "stopping twice is harmless"


def _refuses_strangers(stack: LocalStack) -> None:
    """Another member's topic, a certificate that has ended, and no certificate at all."""
    assert refused(stack, "ngo-b", TOPIC) == "TOPIC_AUTHORIZATION_FAILED"
    folder = stack.home / "certificates"
    ended = Pair(*(folder / f"ended.{kind}" for kind in ("pem", "key", "bundle.pem")))
    now = datetime.now(UTC)
    stack.authority.issue("plat-a", ended, now - timedelta(days=9), now - timedelta(days=1))
    client = stack.client("plat-a")
    changed = {"ssl.certificate.location": str(ended.certificate), "ssl.key.location": str(ended.key)}
    for properties in ({**client, **changed}, {"bootstrap.servers": client["bootstrap.servers"]}):
        with pytest.raises(KafkaException):
            AdminClient({**properties, "log_level": 0}).list_topics(timeout=4)


def _is_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z"):
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def test_a_home_that_starts_is_locked_for_others(home: Path) -> None:
    with (home / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = tocsin(home, "down")
    assert (done.returncode, "stack.locked" in done.stderr) == (4, True)


def test_a_port_in_use_is_said_with_its_name(home: Path) -> None:
    stack = LocalStack(home)
    port = int(stack.kafka.bootstrap.rpartition(":")[2])
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        done = tocsin(home, "up")
    assert done.returncode == 4
    assert f"Port {port}" in done.stderr
    assert "stack.port_in_use" in done.stderr
