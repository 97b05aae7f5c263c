"""What the exchange refused of a member's answers, from the member's status topic; nothing is kept or committed."""

import time
from collections.abc import Iterator

from consumers.reading import Reader
from schemas.catalogue import message
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId
from schemas.topics import status_topic
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings


def refused_answers(process: Settings, since_ms: int) -> Iterator[Status]:
    """The refusals that were told from then until now, in order."""
    member = MemberId(process.principal)
    codec = RecordCodec(SchemaDirectory(process.registry))
    reader = Reader(process.kafka.client(), member, (status_topic(member),), codec, Status)
    try:
        for status in reader.read(since_ms, time.time_ns() // 1_000_000):
            if is_refused_answer(status):
                yield status
    finally:
        reader.close()


def is_refused_answer(status: Status) -> bool:
    """A refused report names no referral."""
    return status.kind is StatusKind.REFUSED and bool(status.referral_id)


def sentence(status: Status) -> str:
    """One refusal for a person: which referral, and what to do."""
    items = ", ".join(sorted({outcome.content_id for outcome in status.outcomes if outcome.content_id}))
    about = f"{status.referral_id}{f', item {items}' if items else ''}"
    return f"{about}: {message(status.code)} [{status.code}]"
