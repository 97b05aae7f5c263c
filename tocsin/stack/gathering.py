"""Gather the evidence of a proof on the local stack: topics, ledger, inboxes and directory sinks, by plain means."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx
from sqlalchemy import text

from schemas.failures import Temporary, Unreadable
from schemas.topics import DEAD_LETTER_PREFIX, TRIAGED
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.proof import compare
from tocsin.runtime.proof.evidence import Evidence, Found, Place, Triaged, Verdict
from tocsin.runtime.proof.reading import PlainAvro, Raw, Spans, TopicReader
from tocsin.runtime.settings import RegistrySettings, Settings, load
from tocsin.runtime.tls import verifying
from tocsin.stack.receiving import Recipient, recipient_of

_ERRORS: Final = "__tocsin.errors."
_REPORTS: Final = "reports."
_REFERRALS: Final = "referrals."
_SECOND_LOOK_SECONDS: Final = 2.0
"""Longer than a slice takes from its first output to its settlement."""


def proof_of(home: Path) -> Verdict:
    """What re-reading everything shows; a discrepancy counts where a second look still finds it."""
    first = compare.prove(gather(home))
    if first.holds:
        return first
    time.sleep(_SECOND_LOOK_SECONDS)
    return compare.confirmed(first, compare.prove(gather(home)))


def gather(home: Path) -> Evidence:
    """Read everything back: some 20 seconds for 20,000 reports on two cores, and all ids of them in memory."""
    settings = load(home / "config" / "ops.toml")
    reader = TopicReader(settings)
    try:
        return _gathered(home, settings, reader, PlainAvro(schema_text(settings.registry)))
    finally:
        reader.close()


def _gathered(home: Path, settings: Settings, reader: TopicReader, avro: PlainAvro) -> Evidence:
    """Effects are read in the reverse of what they must imply: settled before decisions, those before referrals."""
    topics = reader.topics()
    settled = _settled(settings)
    offered = reader.spans(_those(topics, _REPORTS))
    waiting = _waiting(reader.between(offered), settled, avro)
    triaged = tuple(_triaged(raw, avro) for raw in reader.read((TRIAGED,)))
    letters = tuple(_source(raw) for raw in reader.read(_those(topics, f"{DEAD_LETTER_PREFIX}{_REPORTS}")))
    referrals = tuple(_referral(raw, avro) for raw in reader.read(_those(topics, _REFERRALS)))
    spans = reader.spans(_those(topics, _REFERRALS))
    recipients = [recipient_of(home, member) for member in sorted({_owner(topic) for topic in topics} - {""})]
    starts = {key: start for key, (start, _) in spans.items()}
    return Evidence(
        settled=settled,
        submitted=tuple(_places(offered)),
        waiting_reports=waiting,
        triaged=triaged,
        dead_letters=letters,
        referrals=referrals,
        unread={each.member: _unread(each, spans) for each in recipients},
        delivered={key: each.member for each in recipients for key in each.delivered()},
        inboxes=tuple(found for each in recipients for found in each.held(avro, starts)),
        sinks=tuple(found for each in recipients for found in each.at_sinks()),
    )


def _those(topics: Iterable[str], prefix: str) -> tuple[str, ...]:
    return tuple(topic for topic in topics if topic.startswith(prefix))


def _owner(topic: str) -> str:
    """Whose referrals lie there: `referrals.<jurisdiction>.<member>...`."""
    return topic.split(".")[2] if topic.startswith(_REFERRALS) else ""


def _places(spans: Spans) -> Iterator[Place]:
    """As the broker numbers them, so that a record which our own reading passes over is asked for as well."""
    for (topic, partition), (start, end) in spans.items():
        yield from (Place(topic, partition, offset) for offset in range(start, end))


def _waiting(raws: Iterable[Raw], settled: Mapping[Place, str], avro: PlainAvro) -> frozenset[str]:
    """The ids of the reports that wait."""
    return frozenset(_report_id(raw, avro) for raw in raws if raw.place not in settled)


def _report_id(raw: Raw, avro: PlainAvro) -> str:
    try:
        return str(avro.read(raw).get("report_id", ""))
    except Unreadable:
        return ""


def _referral(raw: Raw, avro: PlainAvro) -> Found:
    owner = _owner(raw.place.topic)
    try:
        record = avro.read(raw)
        return Found(record["referral_id"], owner, record["recipient"], str(raw.place), record["report_id"])
    except (Unreadable, KeyError):  # no referral at all: nobody's, and named by its place
        return Found(str(raw.place), owner, "", str(raw.place))


def _triaged(raw: Raw, avro: PlainAvro) -> Triaged:
    record = avro.read(raw)
    source = record["source"]
    promised = (recipient for recipient in record["recipients"] if not recipient["counted_only"])
    referrals = {recipient["referral_id"]: recipient["member"] for recipient in promised}
    return Triaged(Place(source["topic"], source["partition"], source["offset"]), referrals)


def _source(raw: Raw) -> Place:
    facts = {name: raw.headers[f"{_ERRORS}{name}"].decode() for name in ("topic", "partition", "offset")}
    return Place(facts["topic"], int(facts["partition"]), int(facts["offset"]))


def _settled(settings: Settings) -> dict[Place, str]:
    database: Database = database_of(settings)
    try:
        with database.transaction() as connection:
            rows = connection.execute(_SETTLED).all()
    finally:
        database.close()
    return {
        Place(row.topic, row.partition, row.first_offset + position): Outcome(value).name.lower()
        for row in rows
        for position, value in enumerate(bytes(row.outcomes))
    }


def _unread(recipient: Recipient, spans: Spans) -> int:
    """Records between an inbox's own position and the end of its topics."""
    positions = recipient.positions()
    own = {key: span for key, span in spans.items() if _owner(key[0]) == recipient.member}
    return sum(max(0, end - positions.get(key, start)) for key, (start, end) in own.items())


def schema_text(registry: RegistrySettings) -> Callable[[int], str]:
    """Asks the registry itself for the text of a schema by its id."""
    tls = verifying(registry.ca)

    def text_of(schema_id: int) -> str:
        try:
            answer = httpx.get(f"{registry.url}/schemas/ids/{schema_id}", timeout=10, verify=tls)
        except httpx.TransportError as error:
            raise Temporary("The registry does not answer. Check: tocsin status", code="registry.away") from error
        if answer.status_code != httpx.codes.OK:
            raise Unreadable(f"Schema id {schema_id} is not in the registry.", code="schema.unknown_id")
        return str(answer.json()["schema"])

    return text_of


_SETTLED: Final = text(
    "select s.topic, s.partition, b.first_offset, b.outcomes from ledger_blocks b join streams s using (stream) "
    "where s.topic like 'reports.%' order by s.topic, s.partition, b.first_offset"
)
