"""What recipients of the local stack hold: inboxes and directory sinks, read by plain means."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from consumers.settings import DirectorySink, load
from consumers.sinks.manifest import HIDDEN
from schemas.failures import Unreadable
from tocsin.runtime.proof.evidence import Found, Place
from tocsin.runtime.proof.reading import PlainAvro, Raw

_INBOX: Final = "inbox.sqlite"
_JSON: Final = "json"


class Recipient(Struct, frozen=True):
    """One member's side of a home: its inbox file and the folders it takes JSON delivery in."""

    member: str
    inbox: Path
    folders: tuple[Path, ...]

    def positions(self) -> Mapping[tuple[str, int], int]:
        """Topic and partition to the first offset that the inbox has not read."""
        rows = self._rows("select topic, partition, next_offset from positions")
        return {(topic, partition): next_offset for topic, partition, next_offset in rows}

    def held(self, avro: PlainAvro, starts: Mapping[tuple[str, int], int]) -> Iterator[Found]:
        """The inbox's referrals that their topic still holds: retention may have deleted the older ones."""
        query = "select key, value, topic, partition, \"offset\" from deliveries where kind in ('referral', 'canary')"
        for key, value, topic, partition, log_offset in self._rows(query):
            if log_offset >= starts.get((topic, partition), 0):
                yield self._found(key, value, avro)

    def delivered(self) -> Iterator[str]:
        """What the inbox says that the folders have; what went in a bundle has no file of its own."""
        query = "select key from deliveries where kind = 'referral' and state = 'delivered' and bundle_key is null"
        yield from (key for (key,) in self._rows(query)) if self.folders else ()

    def at_sinks(self) -> Iterator[Found]:
        """One entry a file that says it is a referral."""
        for folder in self.folders:
            for file in sorted(whole_files(folder)):
                content = json.loads(file.read_bytes())
                if content["type"] == "referral":
                    referral = content["referral"]
                    yield self._at_sink(referral)

    def _at_sink(self, referral: dict[str, Any]) -> Found:
        place = f"sink of {self.member}"
        return Found(referral["referral_id"], self.member, referral["recipient"], place, referral["report_id"])

    def _found(self, key: str, value: bytes | None, avro: PlainAvro) -> Found:
        place = f"inbox of {self.member}"
        if value is None:  # erased in time: the key is what is left
            return Found(key, self.member, self.member, place)
        try:
            record = avro.read(Raw(Place(place, 0, 0), 0, {}, value))
        except Unreadable:
            return Found(key, self.member, "", place)
        return Found(record["referral_id"], self.member, record["recipient"], place)

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        if not self.inbox.exists():
            return []
        with closing(sqlite3.connect(f"file:{self.inbox}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()


def whole_files(folder: Path) -> Iterator[Path]:
    """The JSON files that were handed over; not what is still being written, or was when its process was killed."""
    return (file for file in folder.glob("*.json") if not file.name.startswith(HIDDEN))


def recipient_of(home: Path, member: str) -> Recipient:
    """As the member's delivery file says; only SQLite inboxes and folders of JSON can be listed from here."""
    state = home / "state" / member
    settings = load(home / "config" / f"{member}.delivery.toml", state)
    chosen = (sink for sink in settings.sinks if isinstance(sink, DirectorySink) and sink.format == _JSON)
    return Recipient(member, state / _INBOX, tuple(sink.path for sink in chosen if sink.path.exists()))
