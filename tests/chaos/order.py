"""In which order revisions of reports were decided, lie on topics, were taken into inboxes, and came to sinks.

Each tells pairs for `out_of_order` (verdict.py): what keeps an order of its own, and a revision of it.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from operator import itemgetter
from pathlib import Path
from typing import Any

from schemas.topics import TRIAGED
from tocsin.runtime.proof.evidence import Place
from tocsin.runtime.proof.reading import PlainAvro, TopicReader
from tocsin.runtime.settings import load
from tocsin.stack.gathering import schema_text
from tocsin.stack.receiving import whole_files

Within = Callable[[Place], object]
"""What of a record's place keeps an order of its own."""
_TAKEN = """
    select topic, partition, "offset", report_id, revision from deliveries where kind = 'referral' order by rowid
"""


def by_topic(place: Place) -> object:
    """Revisions of a report lie in one partition of a topic (ADR 58)."""
    return place.topic


def decided(home: Path) -> Iterator[tuple[str, int]]:
    """Report id and revision of every decision, partition by partition as they lie."""
    return ((record["report_id"], record["revision"]) for _, record in _as_they_lie(home, TRIAGED))


def referred(home: Path, within: Within) -> Iterator[tuple[str, int]]:
    """The same of every referral; each topic of a recipient keeps an order of its own."""
    found = _as_they_lie(home, "referrals.")
    return ((f"{within(place)} {record['report_id']}", record["revision"]) for place, record in found)


def taken(home: Path, within: Within) -> Iterator[tuple[str, int]]:
    """The same of every inbox, in the order in which its rows were written."""
    for inbox in sorted((home / "state").glob("*/inbox.sqlite")):
        with closing(sqlite3.connect(f"file:{inbox}?mode=ro", uri=True)) as connection:
            for topic, partition, offset, report, revision in connection.execute(_TAKEN):
                yield f"{inbox.parent.name} {within(Place(topic, partition, offset))} {report}", revision


def handed_over(home: Path) -> Iterator[tuple[str, int]]:
    """The same of every folder of a sink, by when each file was written: urgent first, and a retry comes late."""
    for folder in sorted((home / "state").glob("*/delivered")):
        for file in sorted(whole_files(folder), key=lambda file: file.stat().st_mtime_ns):
            content = json.loads(file.read_bytes())
            if content["type"] == "referral":
                yield f"{folder.parent.name} {content['referral']['report_id']}", content["referral"]["revision"]


def _as_they_lie(home: Path, prefix: str) -> list[tuple[Place, dict[str, Any]]]:
    """Where each record of the topics with this prefix lies, and what it says, partition by partition."""
    settings = load(home / "config" / "ops.toml")
    reader = TopicReader(settings)
    avro = PlainAvro(schema_text(settings.registry))
    try:
        topics = [topic for topic in reader.topics() if topic.startswith(prefix)]
        return sorted(((raw.place, avro.read(raw)) for raw in reader.read(topics)), key=itemgetter(0))
    finally:
        reader.close()
