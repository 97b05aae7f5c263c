"""A past range of the exchange, read by a plain reader: records as they came in, decisions as they were recorded."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused, Unreadable
from schemas.records.identifiers import MemberId
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate
from schemas.topics import TRIAGED
from tocsin.runtime.proof.evidence import Place
from tocsin.runtime.proof.reading import Raw, TopicReader
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord

MOST_RECORDS: Final = 200_000
"""One range holds its decisions in memory; a longer one is taken in parts."""
_REPORTS: Final = "reports."

Decisions = Mapping[Place, ReportTriaged]
Progress = Callable[[str, int], None]
"""What is read or decided, and how many by now."""


class Range(Struct, frozen=True, kw_only=True):
    """From an instant up to and without another, by the broker's clock."""

    from_ms: int
    until_ms: int

    def holds(self, raw: Raw) -> bool:
        """Whether the broker took the record in this time."""
        return self.from_ms <= raw.timestamp_ms < self.until_ms


class Past(Struct, frozen=True, kw_only=True):
    """Everything of one range, in the order of places: the same range read twice is the same."""

    records: tuple[Raw, ...]
    decisions: Decisions
    """By the record that was decided; decisions by rulings are left out."""


def read_past(reader: TopicReader, codec: RecordCodec, span: Range, progress: Progress) -> Past:
    """Read it; raises Refused where it is too long, Temporary where the broker is away."""
    topics = tuple(topic for topic in reader.topics() if topic.startswith(_REPORTS))
    records = sorted(_records(reader, topics, span, progress), key=lambda raw: raw.place)
    wanted = {raw.place for raw in records}
    decisions: dict[Place, ReportTriaged] = {}
    for count, raw in enumerate(reader.since(_present(reader, TRIAGED), span.from_ms), 1):
        triaged = _decision(raw, codec)
        if triaged is not None and not triaged.ruling and _place(triaged.source) in wanted:
            decisions.setdefault(_place(triaged.source), triaged)
        progress("decisions", count)
    return Past(records=tuple(records), decisions=decisions)


def raw_record(raw: Raw) -> RawRecord:
    """As the steps take it."""
    value = None if raw.fault else raw.value
    return RawRecord(
        offset=raw.place.offset, timestamp_ms=raw.timestamp_ms, key=None, value=value, headers=(), fault=raw.fault
    )


def member_of(topic: str) -> MemberId:
    """Whose topic it is."""
    return MemberId(topic.split(".")[1])


def _records(reader: TopicReader, topics: tuple[str, ...], span: Range, progress: Progress) -> Iterator[Raw]:
    count = 0
    for raw in reader.since(topics, span.from_ms):
        if span.holds(raw):
            count += 1
            if count > MOST_RECORDS:
                raise Refused(message("shadow.too_long", most=MOST_RECORDS), code="shadow.too_long")
            progress("records", count)
            yield raw


def _decision(raw: Raw, codec: RecordCodec) -> ReportTriaged | None:
    try:
        found = codec.loads(raw.value, ReportTriaged)
    except Unreadable:
        return None
    return found if isinstance(found, ReportTriaged) else None


def _present(reader: TopicReader, topic: str) -> tuple[str, ...]:
    return (topic,) if topic in reader.topics() else ()


def _place(source: Coordinate) -> Place:
    return Place(source.topic, source.partition, source.offset)
