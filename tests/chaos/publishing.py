"""Unique valid reports of several members, and a process that publishes them and records what the broker confirmed.

`python -m tests.chaos.publishing HOME REPORTS SEED SECONDS COUNTRIES RESULT`
"""

import hashlib
import itertools
import random
import sys
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import msgspec
from confluent_kafka import KafkaError, Message, Producer
from msgspec import Struct, field
from msgspec.structs import replace

from schemas.headers import cloud_event_headers
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import ReportSubmitted
from schemas.topics import escalated_topic, submitted_topic
from tests.builders.reports import a_hash, a_hosting, a_report, a_source_url, an_escalation, an_item
from tests.builders.signing import a_signer
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import load

SUBMITTERS = (MemberId("plat-a"), MemberId("ngo-b"), MemberId("gb-hotline"))
ESCALATED_SHARE = 0.03
FIRST_REPORTS = 20
REVISED_EVERY = 12
"""Every so manieth submission is the second revision of a report from a moment before, on the same partition."""
_REVISED_AFTER = 9
"""Submissions between both: long enough for another slice, and of the same submitter."""
_POLL_SECONDS = 0.05
_OUTAGE_MS = 600_000
"""Above the longest time that a run leaves the broker dead."""


class Wanted(Struct, frozen=True, kw_only=True):
    """What to publish: how many reports, hosted where, of which randomness, over which time."""

    reports: int
    countries: tuple[str, ...]
    seed: int
    seconds: float


class Confirmed(Struct, kw_only=True):
    """What the broker took, as it said itself."""

    countries: dict[str, str] = field(default_factory=dict)
    """Report id to host country."""
    revisions: dict[str, int] = field(default_factory=dict)
    """Report id to the number of its revisions."""
    failures: int = 0

    @property
    def published(self) -> int:
        """Submissions, each revision one."""
        return sum(self.revisions.values())


def unique_reports(wanted: Wanted) -> Iterator[ReportSubmitted]:
    """Reports that share neither address nor digest, from each submitter in turn; some of them come again, revised."""
    chance = random.Random(wanted.seed)  # noqa: S311 -- a repeatable run, no secret
    lately: deque[ReportSubmitted] = deque(maxlen=_REVISED_AFTER)
    for number in range(wanted.reports):
        report = _report(number, chance, wanted)
        before = lately[0] if len(lately) == _REVISED_AFTER else None
        if before and number % REVISED_EVERY == REVISED_EVERY - 1 and not before.escalation:
            report = replace(before, revision=2)
        lately.append(report)
        yield report


def _report(number: int, chance: random.Random, wanted: Wanted) -> ReportSubmitted:
    name = f"chaos-{wanted.seed}-{number}"
    hosting = a_hosting(country=CountryCode(chance.choice(wanted.countries)))
    item = an_item(
        content_id=ContentId(f"{name}-item"),
        url=f"https://files.example.test/{name}",
        hosting=hosting,
        hashes=(a_hash(value=hashlib.sha256(name.encode()).hexdigest()),),
    )
    return a_report(
        submitter=SUBMITTERS[number % len(SUBMITTERS)],
        submitter_reference=name,
        source_url=a_source_url(url=f"https://forum.example.test/{name}", hosting=hosting),
        items=(item,),
        escalation=an_escalation() if chance.random() < ESCALATED_SHARE else None,
    )


class Publishing:
    """One idempotent producer a member; knows afterwards what the broker confirmed."""

    def __init__(self, home: Path) -> None:
        self.confirmed = Confirmed()
        settings = {member: load(home / "config" / f"{member}.toml") for member in SUBMITTERS}
        self._codec = RecordCodec(SchemaDirectory(settings[SUBMITTERS[0]].registry))
        self._signers = {member: a_signer(home / "config" / f"{member}.toml") for member in SUBMITTERS}
        self._producers = {
            member: Producer(
                each.kafka.client()
                | {"enable.idempotence": True, "delivery.timeout.ms": _OUTAGE_MS, "linger.ms": 5, "log_level": 0}
            )
            for member, each in settings.items()
        }

    def send(self, report: ReportSubmitted) -> None:
        """Hand one report over, waiting for room where the broker is away."""
        topic = (escalated_topic if report.escalation else submitted_topic)(report.submitter)
        country = report.items[0].hosting.country if report.items[0].hosting else ""

        def delivered(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self.confirmed.failures += 1
            else:
                self.confirmed.countries[report.report_id] = country
                self.confirmed.revisions[report.report_id] = self.confirmed.revisions.get(report.report_id, 0) + 1

        producer = self._producers[report.submitter]
        now_ms = time.time_ns() // 1_000_000
        value = self._codec.dumps(report)
        described = cloud_event_headers(ReportSubmitted, report.report_id, source=report.submitter, at_ms=now_ms)
        signed = self._signers[report.submitter].headers(ReportSubmitted, value)
        producer.produce(
            topic,
            key=report.report_id.encode(),
            value=value,
            headers=[*described, *signed],
            on_delivery=delivered,
        )
        producer.poll(0)

    def wait(self, seconds: float) -> None:
        """Listen for confirmations meanwhile."""
        for producer in self._producers.values():
            producer.poll(seconds / len(self._producers))

    def finish(self) -> Confirmed:
        """Wait for the broker's word on everything."""
        for producer in self._producers.values():
            self.confirmed.failures += producer.flush(_OUTAGE_MS / 1000)
        return self.confirmed


def go_file(result: Path) -> Path:
    """Its existence tells the publisher that everybody works."""
    return result.with_suffix(".go")


def main(home: Path, wanted: Wanted, result: Path) -> None:
    """Publish a first few, once told to go the rest over the given time, and leave the confirmed ids in a file."""
    publishing = Publishing(home)
    reports = unique_reports(wanted)
    for report in itertools.islice(reports, FIRST_REPORTS):
        publishing.send(report)
    while not go_file(result).exists():
        time.sleep(_POLL_SECONDS)
    began_seconds = time.monotonic()
    for number, report in enumerate(reports):
        due_seconds = began_seconds + wanted.seconds * number / wanted.reports
        time.sleep(max(0.0, due_seconds - time.monotonic()))
        publishing.send(report)
    draft = result.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(publishing.finish()))
    draft.replace(result)


if __name__ == "__main__":
    _, _home, _reports, _seed, _seconds, _countries, _result = sys.argv
    main(
        Path(_home),
        Wanted(reports=int(_reports), countries=tuple(_countries.split(",")), seed=int(_seed), seconds=float(_seconds)),
        Path(_result),
    )
