"""Canaries with numbers, as a submitter sends them: signed, sealed, one for each text of its records."""

import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from confluent_kafka import Producer
from msgspec import Struct, structs

from processors.intake import Accepted, Door
from schemas.records.identifiers import CountryCode, report_id_of
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.values import NexusKind
from schemas.sealing import unsealed_part
from schemas.topics import escalated_topic, submitted_topic
from tests.builders.planting import (
    CANARY,
    MEMBER,
    Field,
    Place,
    ceiling,
    field_of,
    people,
    planted,
    reports,
    strings,
    takings_back,
)
from tests.builders.policy import with_member
from tests.builders.reports import a_nexus_claim
from tests.builders.signing import a_signer
from tocsin.runtime.keys.sealing import Sealer
from tocsin.runtime.registry import FixedDirectory, RecordCodec, SchemaDirectory
from tocsin.runtime.settings import load
from tocsin.runtime.transport.slices import RawRecord

TOPICS: Final = (submitted_topic(MEMBER), escalated_topic(MEMBER))
_PLAIN: Final = RecordCodec(FixedDirectory())
_NUMBERED: Final = re.compile(CANARY.encode() + rb"-(\d{4})")
Written = ReportSubmitted | Withdrawal


class Planted(Struct, frozen=True, kw_only=True):
    """A record with one canary in it."""

    record: Struct
    field: Field
    ceiling: frozenset[str]
    """Who may ever see it."""
    personal: bool
    """Whether it lies in the sealed part."""
    refused: bool
    """Whether the door lets the record in: a dead letter keeps all of it, for the operator."""


def sung_in(content: bytes) -> frozenset[int]:
    """The numbers of the canaries that stand there."""
    return frozenset(int(number) for number in _NUMBERED.findall(content.lower()))


def songs() -> Mapping[int, Planted]:
    """Each record under the number of its canary; no two are of the same report."""
    places: list[tuple[Struct, Place]] = [
        (record, path) for record in (*reports(), people(), takings_back()) for path in strings(record)
    ]
    return {number: _planted(number, record, path) for number, (record, path) in enumerate(places)}


def send(stack: Any, found: Mapping[int, Planted]) -> None:
    """Sign, seal and produce each, on both lanes in turn."""
    settings = load(stack.config(MEMBER))
    codec, sealer = RecordCodec(SchemaDirectory(settings.registry)), Sealer.of(settings.trust)
    producer, signer = Producer(stack.client(MEMBER)), a_signer(stack.config(MEMBER))
    assert sealer is not None
    for number, one in found.items():
        record = one.record
        if isinstance(record, ReportSubmitted):
            record = sealer.report(record, "", time.time_ns() // 1_000_000)
        value = codec.dumps(record)
        headers: Any = signer.headers(type(record), value)
        producer.produce(TOPICS[number % 2], value=value, key=str(number).encode(), headers=headers)
    assert producer.flush(30) == 0


def _planted(number: int, record: Struct, path: Place) -> Planted:
    canary = f"{CANARY}-{number:04}"
    personal = record == people()
    own = _own(number, next(reports()) if personal else record)
    changed = _with_people(own, planted(record, path, canary)) if personal else planted(own, path, canary)
    return Planted(
        record=changed,
        field=field_of(record, path),
        ceiling=ceiling(record, path),
        personal=personal,
        refused=not _admitted(changed),
    )


def _own(number: int, record: Any) -> Any:
    """The same record of a report that no other record is of."""
    reference = f"sung-{number:04}"
    return structs.replace(record, submitter_reference=reference, report_id=report_id_of(MEMBER, reference))


def _with_people(report: ReportSubmitted, part: Any) -> ReportSubmitted:
    """A report that goes to police too, because a suspect is there."""
    suspect = a_nexus_claim(country=CountryCode("DE"), kind=NexusKind.SUSPECT)
    return structs.replace(report, nexus=(suspect,), sealed=(unsealed_part(part, "lea", 8),))


def _admitted(record: Written) -> bool:
    """Told here, so that a test knows which of them become dead letters."""
    door = Door(member=MEMBER, bundle=with_member(MEMBER, signs=False, seals=False), codec=_PLAIN)
    now_ms = time.time_ns() // 1_000_000
    raw = RawRecord(offset=0, timestamp_ms=now_ms, key=b"k", value=_PLAIN.dumps(record), headers=())
    return isinstance(door.admit(raw), Accepted)


def fields_of(found: Mapping[int, Planted], numbers: Iterable[int]) -> list[str]:
    """For whoever reads a failure: what those canaries were planted in."""
    return sorted({".".join(found[number].field) for number in numbers})
