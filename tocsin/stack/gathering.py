"""Gather the evidence of a proof on the local stack: topics, ledger, inboxes and directory sinks, by plain means."""

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx
from sqlalchemy import text

from schemas.failures import Temporary, Unreadable
from schemas.topics import DEAD_LETTER_PREFIX, TRIAGED
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.proof.evidence import Evidence, Found, Place, Triaged
from tocsin.runtime.proof.reading import PlainAvro, Raw, TopicReader
from tocsin.runtime.settings import Settings, load

_ERRORS: Final = "__tocsin.errors."
_INBOX: Final = "inbox.sqlite"
_SINK: Final = "delivered"


def gather(home: Path) -> Evidence:
    """Read everything back; takes about a second per 20,000 records."""
    settings = load(home / "config" / "ops.toml")
    reader = TopicReader(settings)
    avro = PlainAvro(_schema_text(settings.registry.url))
    try:
        topics = reader.topics()
        referrals = tuple(_referrals(reader.read(_those(topics, "referrals.")), avro))
        members = sorted({topic.split(".")[2] for topic in _those(topics, "referrals.")})
        return Evidence(
            submitted=tuple(raw.place for raw in reader.read(_those(topics, "reports."))),
            triaged=tuple(_triaged(raw, avro) for raw in reader.read((TRIAGED,))),
            dead_letters=tuple(_source(raw) for raw in reader.read(_those(topics, f"{DEAD_LETTER_PREFIX}reports."))),
            settled=_settled(settings),
            referrals=referrals,
            inboxes=tuple(found for member in members for found in _inbox(home, member, avro)),
            unread=_unread(home, members, reader, topics),
            sinks=tuple(found for member in members for found in _sink(home, member)),
            delivered={key: member for member in members for key in _delivered(home, member)},
        )
    finally:
        reader.close()


def _those(topics: Iterable[str], prefix: str) -> tuple[str, ...]:
    return tuple(topic for topic in topics if topic.startswith(prefix))


def _referrals(raws: Iterable[Raw], avro: PlainAvro) -> Iterator[Found]:
    for raw in raws:
        record = avro.read(raw)
        owner = raw.place.topic.split(".")[2]
        yield Found(record["referral_id"], owner, record["recipient"], str(raw.place))


def _triaged(raw: Raw, avro: PlainAvro) -> Triaged:
    record = avro.read(raw)
    source = record["source"]
    referrals = {recipient["referral_id"]: recipient["member"] for recipient in record["recipients"]}
    return Triaged(Place(source["topic"], source["partition"], source["offset"]), referrals)


def _source(raw: Raw) -> Place:
    facts = {name: raw.headers[f"{_ERRORS}{name}"].decode() for name in ("topic", "partition", "offset")}
    return Place(facts["topic"], int(facts["partition"]), int(facts["offset"]))


def _settled(settings: Settings) -> dict[Place, str]:
    database: Database = database_of(settings)
    with database.transaction() as connection:
        rows = connection.execute(_SETTLED).all()
    database.close()
    return {
        Place(row.topic, row.partition, row.first_offset + position): Outcome(value).name.lower()
        for row in rows
        for position, value in enumerate(bytes(row.outcomes))
    }


def _inbox(home: Path, member: str, avro: PlainAvro) -> Iterator[Found]:
    for key, value in _rows(home, member, "select key, value from deliveries where kind = 'referral'"):
        place = f"inbox of {member}"
        yield Found(key, member, _recipient(value, avro, member), place)


def _recipient(value: bytes | None, avro: PlainAvro, member: str) -> str:
    """Whom the stored record names; an erased one names nobody any more."""
    if value is None:
        return member
    try:
        return str(avro.read(Raw(Place("", 0, 0), 0, {}, value))["recipient"])
    except Unreadable:
        return ""


def _delivered(home: Path, member: str) -> Iterator[str]:
    """What the inbox says that the directory sink has."""
    if (home / "state" / member / _SINK).exists():
        query = "select key from deliveries where kind = 'referral' and state = 'delivered' and bundle_key is null"
        yield from (key for (key,) in _rows(home, member, query))


def _sink(home: Path, member: str) -> Iterator[Found]:
    folder = home / "state" / member / _SINK
    for file in sorted(folder.glob("*.json")) if folder.exists() else ():
        content = json.loads(file.read_bytes())
        if content["type"] == "referral":
            referral = content["referral"]
            yield Found(referral["referral_id"], member, referral["recipient"], f"sink of {member}")


def _unread(home: Path, members: Iterable[str], reader: TopicReader, topics: Iterable[str]) -> dict[str, int]:
    """Records between an inbox's own position and the end of its topics."""
    left = {}
    for member in members:
        names = [topic for topic in _those(topics, "referrals.") if topic.split(".")[2] == member]
        positions = {
            (t, p): n for t, p, n in _rows(home, member, "select topic, partition, next_offset from positions")
        }
        spans = reader.spans(names)
        left[member] = sum(max(0, end - positions.get(key, start)) for key, (start, end) in spans.items())
    return left


def _rows(home: Path, member: str, query: str) -> list[tuple[Any, ...]]:
    file = home / "state" / member / _INBOX
    if not file.exists():
        return []
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def _schema_text(registry_url: str) -> Callable[[int], str]:
    def text_of(schema_id: int) -> str:
        try:
            answer = httpx.get(f"{registry_url}/schemas/ids/{schema_id}", timeout=10)
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
