"""Each process of the exchange says on a port of its own what it counts, that it lives, and whether it is ready."""

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import set_tracer_provider
from sqlalchemy import text

from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.topics import OPS, referral_topic, submitted_topic
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.scrapes import faults_in
from tests.builders.waiting import a_free_port, until
from tocsin.publisher import Publisher
from tocsin.runtime.database import database_of
from tocsin.runtime.settings import load
from tocsin.runtime.tracing.context import context_in
from tocsin.stack.ledger import balance_of

pytestmark = pytest.mark.stack
OPTS_IN = "intl-police"
COMMANDS = {
    "escalated": ("triage", "--lane", "escalated"),
    "normal": ("triage", "--lane", "normal"),
    "returns": ("returns",),
    "deliver": ("deliver", "nl-hotline"),
    "lag": ("lag", "--serve"),
    "canary": ("canary", "--every-seconds", "5"),
}


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def traced(stack: Any) -> Iterator[None]:
    """Traces are on for who publishes, triages and receives; only this process has an SDK, and so makes spans."""
    files = [stack.config(name) for name in ("fr-hotline", "triage", "nl-hotline")]
    before = [file.read_text() for file in files]
    for file, said in zip(files, before, strict=True):
        file.write_text(f"traces = true\n{said}")
    set_tracer_provider(TracerProvider())
    yield
    for file, said in zip(files, before, strict=True):
        file.write_text(said)


@pytest.fixture
def ports(stack: Any, traced: None, tmp_path: Path) -> Iterator[dict[str, int]]:
    found = {name: a_free_port() for name in COMMANDS}
    with a_crew(stack.home, tmp_path) as crew:
        for name, command in COMMANDS.items():
            crew.start(name, (*command, "--metrics-port", str(found[name])))
        yield found


@pytest.fixture
def latecomer(stack: Any, tmp_path: Path) -> Iterator[Callable[[], int]]:
    """Starts one more worker of the returns, and says where it serves."""
    with a_crew(stack.home, tmp_path / "late") as crew:

        def start() -> int:
            port = a_free_port()
            crew.start("late", ("returns", "--instance", "late", "--metrics-port", str(port)))
            return port

        yield start


def get(port: int, path: str) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    except OSError:
        return 0, "does not listen"
    finally:
        connection.close()


def tells(port: int, what: str) -> bool:
    return what in get(port, "/metrics")[1]


def is_ready(port: int) -> bool:
    return get(port, "/ready") == (200, "ready\n")


def test_every_process_lives_becomes_ready_and_counts(stack: Any, ports: dict[str, int]) -> None:
    for port in ports.values():
        until(partial(is_ready, port))
        assert get(port, "/live") == (200, "live\n")
    with Publisher(stack.config("fr-hotline")) as publisher:
        publisher.publish(a_draft(submitter_reference="counted"))
    until(lambda: 'tocsin_records_total{outcome="routed",stage="triage"}' in get(ports["normal"], "/metrics")[1])
    assert 'tocsin_stage_duration_seconds_count{stage="triage"}' in get(ports["normal"], "/metrics")[1]
    assert 'tocsin_step_duration_seconds_count{step="route"}' in get(ports["normal"], "/metrics")[1]
    assert 'tocsin_policy_info{bases="' in get(ports["normal"], "/metrics")[1]
    until(lambda: 'tocsin_records_total{outcome="delivered",stage="courier"}' in get(ports["deliver"], "/metrics")[1])
    assert 'tocsin_oldest_undelivered_timestamp_seconds{member="nl-hotline"}' in get(ports["deliver"], "/metrics")[1]
    until(lambda: "tocsin_submission_to_delivered_seconds_count{" in get(ports["returns"], "/metrics")[1])
    until(lambda: "tocsin_audit_checkpoint_timestamp_seconds 0.0" not in get(ports["returns"], "/metrics")[1])
    canaries_come_by_both_lanes_and_stop_at_the_courier(stack, ports["deliver"])
    assert trace_in(stack, referral_topic(JurisdictionCode("nl"), MemberId("nl-hotline"))) == trace_in(
        stack, submitted_topic(MemberId("fr-hotline"))
    )
    for name, client in (("normal", "outputs"), ("deliver", "inbox"), ("deliver", "post")):
        until(partial(tells, ports[name], f'tocsin_client_round_trip_seconds{{client="{client}"}}'))
    for name, port in ports.items():
        scraped = get(port, "/metrics")[1]
        assert not faults_in(scraped), name
        assert shown(scraped, "tocsin_certificate_expiry_timestamp_seconds") > time.time()
        signed = shown(scraped, "tocsin_audit_signed_timestamp_seconds")
        assert (signed > time.time() - 60) == (name == "returns"), "the log is signed there, and nobody else says so"


def canaries_come_by_both_lanes_and_stop_at_the_courier(stack: Any, port: int) -> None:
    came = {
        lane: f'tocsin_canary_sent_timestamp_seconds{{lane="{lane}",member="nl-hotline"}}'
        for lane in ("escalated", "normal")
    }
    until(lambda: all(one in get(port, "/metrics")[1] for one in came.values()))
    assert all(time.time() - shown(get(port, "/metrics")[1], one) < 60 for one in came.values())
    until(lambda: "fr-hotline" in submitters_delivered_to(stack, "nl-hotline"))
    assert "canary" not in submitters_delivered_to(stack, "nl-hotline"), (
        "and what other tests of this stack published is theirs"
    )
    assert "canary" in who_opts_in_has_them_delivered(stack)
    balance = balance_of(stack.home)
    assert all(line.balances for line in balance.lines)
    assert {"reports.canary.submitted.v1", "reports.canary.escalated.v1"} <= {
        line.topic for line in balance.lines if line.came_in
    }
    assert "de-hotline-c" not in {one.recipient for one in balance.referrals}, "nobody but the canary knows it"
    database = database_of(load(stack.config("ops")))
    with database.transaction() as connection:
        counted = connection.execute(_SEEN).one()
    database.close()
    assert tuple(counted[:3]) == (0, 0, 0), "it is no sighting, waits for nobody and is linked to nothing"
    assert (counted.decided > 0, counted.marks) == (True, ["TEST"]), "triage decided on it, as on a test"
    measured = submitters_measured(stack)
    assert "fr-hotline" in measured
    assert "canary" not in measured, "it is in no statistics"


def submitters_delivered_to(stack: Any, member: str) -> set[str]:
    folder = stack.home / f"state/{member}/delivered"
    delivered = [json.loads(file.read_bytes()) for file in folder.glob("[!.]*.json")]  # whole: drafts have a dot
    return {one["referral"]["submitter"] for one in delivered if "referral" in one}  # words of recall lie there too


def who_opts_in_has_them_delivered(stack: Any) -> set[str]:
    """One line of a member's own delivery file lets them go on to its sink."""
    file = stack.home / "config" / f"{OPTS_IN}.delivery.toml"
    file.write_text("canaries = true\n")
    try:
        tocsin(stack, "deliver", OPTS_IN, "--once")
    finally:
        file.unlink()
    return submitters_delivered_to(stack, OPTS_IN)


def submitters_measured(stack: Any) -> set[str]:
    told = tocsin(stack, "stats", "--csv", "--by", "submitter", "--smallest", "1")
    return {row["submitter"] for row in csv.DictReader(io.StringIO(told))}


def tocsin(stack: Any, *words: str) -> str:
    return commands.said(stack.home, *words)


_SEEN = text("""
    select (select count(*) from sightings where member = 'canary'),
           (select count(*) from unrouted where submitter = 'canary'),
           (select count(*) from links join decisions using (report_id) where submitter = 'canary'),
           (select count(*) from decisions where submitter = 'canary') as decided,
           (select array_agg(distinct mark) from decisions where submitter = 'canary') as marks
""")


def shown(scraped: str, metric: str) -> float:
    """What it says, or less than anything where it says nothing yet."""
    _, _, behind_it = scraped.partition(f"\n{metric} ")
    return float(behind_it.split(maxsplit=1)[0]) if behind_it else float("-inf")


def test_a_worker_that_waits_for_its_store_lives_and_is_not_ready_until_it_is_back_and_so_does_one_that_starts(
    stack: Any, ports: dict[str, int], latecomer: Callable[[], int]
) -> None:
    port = ports["normal"]
    until(partial(is_ready, port))
    with Publisher(stack.config("fr-hotline")) as publisher:  # the registry needs the database too: learn ids before
        publisher.publish(a_draft(submitter_reference="before"))
    until(lambda: 'tocsin_records_total{outcome="routed",stage="triage"}' in get(port, "/metrics")[1])
    settled_seconds = time.time()
    until(lambda: shown(get(ports["lag"], "/metrics")[1], "tocsin_lag_read_timestamp_seconds") > settled_seconds)
    until(lambda: behind(ports["lag"], "kafka_consumergroup_lag") == [0.0, 0.0], seconds=30)
    stack.postgres.daemon.kill()
    try:
        with Publisher(stack.config("fr-hotline")) as publisher:
            for number in range(3):
                publisher.publish(a_draft(submitter_reference=f"waits-{number}"))
        published_seconds = time.time()
        until(lambda: waits_for_its_store(port), seconds=120)
        until(lambda: sum(behind(ports["lag"], "kafka_consumergroup_lag")) == 3)
        waited_seconds = time.time() - published_seconds  # taken before the figure is, which cannot be less
        seconds = max(behind(ports["lag"], "kafka_consumergroup_lag_seconds"))
        assert 0 <= seconds - waited_seconds < 10, "three reports were published one after another"
        assert get(port, "/live") == (200, "live\n")
        failed = 'tocsin_errors_total{failure="temporary",stage="triage"}'
        until(lambda: failed in get(port, "/metrics")[1])
        late = latecomer()
        until(lambda: get(late, "/ready") == (503, "stale: fetches, slices, start\n"))
        assert get(late, "/live") == (200, "live\n")
    finally:
        stack.revive()  # whatever this test found: others need it
    for one in (port, late):
        until(partial(is_ready, one))


def trace_in(stack: Any, topic: str) -> str:
    """The trace context of the newest record of a topic that has one."""
    consumer = Consumer(stack.client(OPS) | {"group.id": "ops.traces", "enable.auto.commit": False})
    with closing(consumer):
        consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in (0, 1)])
        found: list[tuple[int, str]] = []
        while message := consumer.poll(10.0 if not found else 1.0):
            headers: Any = message.headers()
            if context := context_in(headers):
                found.append((message.timestamp()[1], context))
    return max(found)[1]


def behind(port: int, name: str) -> list[float]:
    """Of the normal lane, on each partition of the submitter's topic."""
    group, topic = 'consumergroup="triage.normal"', 'topic="reports.fr-hotline.submitted.v1"'
    lines = (line for line in get(port, "/metrics")[1].splitlines() if line.startswith(f"{name}{{"))
    return [float(line.rsplit(" ", 1)[1]) for line in lines if group in line and topic in line]


def waits_for_its_store(port: int) -> bool:
    status, said = get(port, "/ready")
    return status == 503 and "slices" in said
