"""How long urgent reports take while normal ones wait: LogAppendTime of a report to that of its first referral."""

import time
from pathlib import Path
from typing import Final

from confluent_kafka import Producer
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.peers.job import MEMBER
from benchmarks.world import World, reports
from schemas.topics import escalated_topic
from tests.builders.reports import an_escalation
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.members import Member
from tocsin.stack.demo.crew import Crew
from tocsin.stack.demo.latency import UrgentLatency

_INTERVAL_SECONDS: Final = 0.1
_SETTLE_SECONDS: Final = 5.0
_START_SECONDS: Final = 60.0


class Urgent(Struct, frozen=True, kw_only=True):
    """The figures of one run."""

    reports: int
    measured: int
    backlog_before: int
    backlog_after: int
    """Normal reports that still waited when the last urgent one had its referral: the backlog was real."""
    p50_seconds: float | None
    p99_seconds: float | None


def measure(world: World, backlog: int, count: int, logs: Path) -> Urgent:
    """Fill the normal lane, run both lanes, and send urgent reports one by one."""
    world.forget()
    with Crew(world.home, logs) as crew:
        for lane in ("escalated", "normal"):
            crew.start(lane, ("triage", "--lane", lane))
        _until_settled(world, 1)
        before = backlog - world.settled()
        latency = UrgentLatency(world.stack.client("ops"), [MEMBER], _recipients())
        _send(world, count, latency)
        time.sleep(_SETTLE_SECONDS)
        latency.look()
        after = backlog - world.settled()
    measured, p50, p99 = latency.figures()
    latency.close()
    return Urgent(
        reports=count, measured=measured, backlog_before=before, backlog_after=after, p50_seconds=p50, p99_seconds=p99
    )


def _send(world: World, count: int, latency: UrgentLatency) -> None:
    producer = Producer(world.stack.client("ops") | {"linger.ms": 0, "enable.idempotence": True})
    for report in reports(count, first=10_000_000):
        urgent = replace(report, escalation=an_escalation())
        value, headers = world.signed(urgent)
        producer.produce(escalated_topic(MEMBER), key=urgent.report_id, value=value, headers=headers)
        producer.flush(10)
        latency.look()
        time.sleep(_INTERVAL_SECONDS)


def _until_settled(world: World, wanted: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while world.settled() < wanted:
        if time.monotonic() > deadline:
            raise SystemExit("Triage did not begin within a minute.")
        time.sleep(0.2)


def _recipients() -> list[Member]:
    return [member for member in load(SAMPLE).members.values() if member.receives]
