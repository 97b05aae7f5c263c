"""A canary in each string, on the real stack: no process writes, counts or shows it, and none shows a secret."""

import base64
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from processors.intake import Accepted, Door
from schemas.records.report import ReportSubmitted
from schemas.topics import escalated_topic, submitted_topic
from tests.builders.policy import with_member
from tests.builders.signing import a_signer
from tests.builders.waiting import a_free_port, until
from tests.integration.test_serving import is_ready
from tests.properties.test_canaries import CANARY, MEMBER, planted, reports, strings
from tocsin.runtime import settings
from tocsin.runtime.registry import FixedDirectory, RecordCodec, SchemaDirectory
from tocsin.runtime.transport.slices import RawRecord
from tocsin.stack.demo.crew import Crew
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
RECIPIENT = "nl-hotline"
COMMANDS = {
    "normal": ("triage", "--lane", "normal"),
    "escalated": ("triage", "--lane", "escalated"),
    "returns": ("returns",),
    "deliver": ("deliver", RECIPIENT),
}
TOPICS = (submitted_topic(MEMBER), escalated_topic(MEMBER))
PLAIN = RecordCodec(FixedDirectory())
MOST_REFUSED = 5
LONG_ENOUGH = 16
"""Bytes of a secret, below which it could stand somewhere by chance."""


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def ports(stack: Any, tmp_path: Path) -> Iterator[dict[str, int]]:
    found = {name: a_free_port() for name in COMMANDS}
    with Crew(stack.home, tmp_path) as crew:
        for name, command in COMMANDS.items():
            crew.start(name, (*command, "--metrics-port", str(found[name])))
        yield found


def send_canaries(stack: Any) -> int:
    """A report for each string of the language with the canary in its place, signed, on both lanes in turn."""
    codec = RecordCodec(SchemaDirectory(settings.load(stack.config(MEMBER)).registry))
    producer, signer = Producer(stack.client(MEMBER)), a_signer(stack.config(MEMBER))
    every = [planted(report, path) for report in reports() for path in strings(report)]
    good = [report for report in every if admitted(PLAIN.dumps(report))]
    bad = [report for report in every if not admitted(PLAIN.dumps(report))]
    values = [codec.dumps(report) for report in (*good, *bad[:MOST_REFUSED])]
    for number, value in enumerate(values):
        headers: Any = signer.headers(ReportSubmitted, value)
        producer.produce(TOPICS[number % 2], value=value, key=str(number).encode(), headers=headers)
    assert producer.flush(30) == 0
    return len(values)


def admitted(value: bytes) -> bool:
    """Told here, because a member with many dead letters is paused."""
    door = Door(member=MEMBER, bundle=with_member(MEMBER, signs=False, seals=False), codec=PLAIN)
    now_ms = time.time_ns() // 1_000_000
    raw = RawRecord(offset=0, timestamp_ms=now_ms, key=b"k", value=value, headers=())
    return isinstance(door.admit(raw), Accepted)


def publish_canaries(stack: Any, folder: Path) -> str:
    """What the command says of a file whose lines hold the canary where nothing of the kind is expected."""
    fields = ("submitter_reference", "detected_at", "declared_country", "incident_types", "legal_basis")
    lines = [json.dumps({"submitter_reference": f"line-{name}", name: CANARY}) for name in fields]
    file = folder / "reports.jsonl"
    file.write_text("\n".join((*lines, CANARY)))
    command = [sys.executable, "-m", "tocsin", "publish", "--as", MEMBER, str(file), "--home", str(stack.home)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)  # noqa: S603  # our own words
    assert done.returncode == 1, done.stderr
    return done.stdout + done.stderr


def settled(stack: Any) -> int:
    lines = [line for line in balance_of(stack.home).lines if line.topic in TOPICS]
    return 0 if any(line.waiting for line in lines) else sum(sum(dict(line.outcomes).values()) for line in lines)


def delivered(stack: Any) -> bool:
    return any((stack.home / "state" / RECIPIENT / "delivered").glob("*.json"))


def scraped(port: int) -> bytes:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read()
    finally:
        connection.close()


def shown(stack: Any) -> dict[str, bytes]:
    """Command line and environment of each process that works in the home: the stack's, and ours."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words, environment = (process / "cmdline").read_bytes(), (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is not ours to look at
        if str(stack.home).encode() in words + environment:
            found[f"{process.name} {words[:80]!r}"] = words + environment
    return found


def secrets(home: Path) -> dict[str, list[bytes]]:
    """Each secret of a home, in the forms in which it could be written down: raw, hexadecimal, base64, lines of PEM."""
    found = {}
    for file in sorted(one for one in home.rglob("*") if one.is_file() and is_secret(one)):
        content = file.read_bytes()
        lines = content.split() if content.startswith(b"-----BEGIN") else [content.strip()]
        long = [line for line in lines if len(line) >= LONG_ENOUGH and b"-----" not in line]
        pem = long[1:] if len(long) > 1 else long  # the first line of a key says of which kind it is
        found[file.name] = [
            form
            for one in pem
            for form in (one, one.hex().encode(), base64.b64encode(one), base64.urlsafe_b64encode(one))
        ]
    return found


def forms_of(secret: bytes) -> tuple[bytes, ...]:
    return secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret)


def is_secret(file: Path) -> bool:
    return file.suffix in {".password", ".key"} and not re.search("public", file.name)


def hits(wanted: list[bytes], places: dict[str, bytes]) -> list[str]:
    return [place for place, content in places.items() if any(one in content for one in wanted)]


def test_no_canary_and_no_secret_is_in_a_log_a_metric_an_environment_or_a_command_line(
    stack: Any, ports: dict[str, int], tmp_path: Path
) -> None:
    until(lambda: all(is_ready(port) for port in ports.values()))
    before = settled(stack)
    sent = send_canaries(stack)
    said = publish_canaries(stack, tmp_path)
    until(lambda: settled(stack) >= before + sent)
    until(lambda: delivered(stack))
    places = {"publish": said.encode()} | shown(stack)
    places |= {f"metrics of {name}": scraped(port) for name, port in ports.items()}
    logs = {
        str(file): file.read_bytes() for folder in (stack.home / "logs", tmp_path) for file in folder.rglob("*.log")
    }
    names = {Path(name).stem for name, content in logs.items() if content}
    assert {*COMMANDS, "kafka", "registry"} <= names, "or there would be nothing to look into"
    assert len(shown(stack)) >= len(COMMANDS) + 3
    known = secrets(stack.home)
    assert len(known) >= 10
    assert hits([CANARY.encode()], {name: content.lower() for name, content in (places | logs).items()}) == []
    assert {name: found for name, forms in known.items() if (found := hits(forms, places | logs))} == {}
