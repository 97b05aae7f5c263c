"""Triage in memory whose rules change at an instant, with what its records and rulings lead to."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

from processors.answering import Answered, prior_of
from processors.index.memory import MemoryIndex
from processors.index.port import PriorRecipient
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.ruling import Amendment, Ruling
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from schemas.topics import RULINGS, TRIAGED, submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.promotions import a_chancery, another_bundle
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.amendments import Findings, FoundOut
from tocsin.runtime.ledger.standings import Standing
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

CODEC = RecordCodec(FixedDirectory())
MEMBER, LEAVING = MemberId("plat-a"), MemberId("nl-hotline")
INSTANT_MS = 1_795_000_000_000


class Found(Findings):
    """What was found out, by report, and what was known before an answer, by return."""

    def __init__(self) -> None:
        self.known: dict[ReportId, tuple[Amendment, ...]] = {}
        self.known_before: dict[str, tuple[Amendment, ...]] = {}

    def of(self, reports: Iterable[ReportId], returns: Iterable[str]) -> FoundOut:
        return FoundOut(
            latest={report: self.known[report] for report in reports if report in self.known},
            before={each: self.known_before[each] for each in returns if each in self.known_before},
        )


class Exchange:
    """Triage whose rules change at an instant, after which a Dutch hotline takes no part."""

    def __init__(self, folder: Path) -> None:
        chancery = a_chancery(folder)
        chancery.promoted(another_bundle(folder / "new", LEAVING), INSTANT_MS)
        self.rules = chancery.policies()
        self.holders: dict[ReportId, dict[MemberId, PriorRecipient]] = {}
        self.log: dict[tuple[str, int], RawRecord] = {}
        desk = Desk(bundle=self.rules.at(0), keys=KEYS, personal_schema_id=8)
        self.standing = Standing()
        self.found = Found()
        tools = Tools(
            desk=desk,
            veil=VEIL,
            codec=CODEC,
            policies=self.rules,
            look_up=self.look_up,
            standings=lambda: self.standing,
            findings=self.found,
        )
        index = MemoryIndex(
            recipients=lambda report: tuple(self.holders.get(report, {}).values()),
            found_out=lambda report: self.found.known.get(report, ()),
            is_restricted=lambda report: report in self.standing.restricted,
        )
        self.stages = TriageStages(tools, index, cast(Database, None), {})

    def look_up(self, places: Iterable[Coordinate]) -> dict[Coordinate, RawRecord]:
        found = ((place, self.log.get((place.topic, place.offset))) for place in places)
        return {place: record for place, record in found if record is not None}

    def take(self, *records: ReportSubmitted | Withdrawal | Ruling | bytes, at_ms: int) -> tuple[Answered, ...]:
        return self.run(self.piece(*records, at_ms=at_ms))

    def piece(self, *records: ReportSubmitted | Withdrawal | Ruling | bytes, at_ms: int) -> Slice:
        """A slice of what comes next."""
        is_ruling = isinstance(records[0], Ruling | bytes)
        topic = RULINGS if is_ruling else submitted_topic(MEMBER)
        first = sum(1 for known, _ in self.log if known == topic)
        raw = tuple(
            RawRecord(
                offset=first + n,
                timestamp_ms=at_ms,
                key=b"k",
                value=record if isinstance(record, bytes) else CODEC.dumps(record),
                headers=(),
            )
            for n, record in enumerate(records)
        )
        self.log |= {(topic, one.offset): one for one in raw}
        return Slice(topic_id="id", topic=topic, partition=0, records=raw)

    def run(self, piece: Slice) -> tuple[Answered, ...]:
        answers = self.stages.finish(self.stages.claim(self.stages.decide(piece))).answers
        for made in (made for answer in answers for made in answer.referrals):
            held = self.holders.setdefault(made.report_id, {})
            if made.withdrawn:
                held.pop(made.recipient, None)
            else:
                held[made.recipient] = prior_of(made)
        return answers


SOURCE = Coordinate(topic_id="id", topic=submitted_topic(MEMBER), partition=0, offset=0)


def triaged(answer: Answered) -> ReportTriaged:
    (record,) = [record for record in answer.records if record.topic == TRIAGED]
    found = CODEC.loads(record.value, ReportTriaged)
    assert isinstance(found, ReportTriaged)
    return found


def members(answer: Answered, *, recalled: bool) -> set[str]:
    return {made.recipient for made in answer.referrals if made.withdrawn is recalled}


def told(answer: Answered, kind: StatusKind) -> dict[str, Status]:
    """What members are told of that kind, by member."""
    found = (CODEC.loads(one.value, Status) for one in answer.records if one.topic.startswith("status."))
    return {one.member: one for one in found if isinstance(one, Status) and one.kind is kind}
