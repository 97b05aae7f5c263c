"""One round: a member's process without its broker, each part's CPU counted for itself."""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from consumers.agreement import Agreement
from consumers.courier import Courier, Desk, Outlet
from consumers.erasing import Eraser
from consumers.formats.referral_json import write
from consumers.inbox import Arrival, Inbox, Terms
from consumers.post import BATCH
from consumers.service import now_ms
from consumers.settings import Limits, StoreSettings
from consumers.sinks.directory import DirectorySink
from consumers.states import State
from consumers.store import deliveries, outbox
from consumers.store.engine import open_store
from schemas.failures import Broken
from schemas.records.values import Coordinate
from tests.builders.deliveries import CODEC, TOPIC
from tests.builders.proofs import DIRECTORY, sign
from tests.builders.referrals import RECIPIENT
from tocsin.runtime.logs import configure


class HeldRecords:
    """Values in memory, read as the source reads a topic."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self._values = values
        self._read = 0

    def fetch(self, limit: int, wait_seconds: float) -> list[Arrival]:
        """The next ones."""
        first, self._read = self._read, min(self._read + limit, len(self._values))
        return [_arrival(offset, self._values[offset]) for offset in range(first, self._read)]

    def rewind(self, unread: Sequence[Arrival]) -> None:
        """A store that fails here is no measurement."""
        raise Broken(f"The store took none of {len(unread)} records.", code="bench.store")


class Desks:
    """The parts of one process in a folder; used once."""

    def __init__(self, folder: Path, values: Sequence[bytes]) -> None:
        limits = Limits()
        self._values = values
        self._store = open_store(StoreSettings(folder=folder / "store"), RECIPIENT)
        desk = Desk(member=RECIPIENT, limits=limits, now_ms=now_ms, chance=random.SystemRandom())
        terms = Terms(
            member=RECIPIENT, agreement=Agreement(), limits=limits, now_ms=now_ms, directory=lambda: DIRECTORY
        )
        self._inbox = Inbox(self._store, HeldRecords(values), CODEC, terms)
        outlets = [Outlet(name="directory", sink=DirectorySink(folder / "delivered"), write=write)]
        self._courier = Courier(self._store, outlets, CODEC, desk)
        self._eraser = Eraser(self._store, outlets, desk)
        self._spent: dict[str, float] = defaultdict(float)

    def milliseconds(self) -> Mapping[str, float]:
        """CPU of each part for one delivery. Raises Broken where one was not delivered."""
        try:
            while self._turn():
                pass
            self._require_all()
        finally:
            self._store.close()
        return {part: round(1000 * seconds / len(self._values), 3) for part, seconds in self._spent.items()}

    def _turn(self) -> int:
        """As the process does: read all that is there, then a burst."""
        read = self._counted("inbox", lambda: self._inbox.turn(0))
        sent = self._counted("courier", self._courier.turn)
        self._counted("erasing", self._eraser.turn)
        return read + sent + self._counted("returns", self._post)

    def _post(self) -> int:
        """What the post does but for the broker."""
        with self._store.begin() as connection:
            owed = outbox.owed(connection, BATCH)
        for answer in owed:
            sign(CODEC.dumps(answer))
        if owed:
            with self._store.begin() as connection:
                outbox.confirm(connection, [answer.return_id for answer in owed], now_ms())
        return len(owed)

    def _counted(self, part: str, act: Callable[[], int]) -> int:
        began = time.process_time()
        done = act()
        self._spent[part] += time.process_time() - began
        return done

    def _require_all(self) -> None:
        with self._store.begin() as connection:
            counts = deliveries.counts(connection)
        if counts != {State.DELIVERED: len(self._values)}:
            raise Broken(f"Expected {len(self._values)} deliveries, found {counts}.", code="bench.undelivered")


@contextmanager
def logged(file: Path) -> Iterator[None]:
    """Lines go where a service's go, to a file; before and after, nowhere."""
    with file.open("w") as lines:
        configure("INFO", lines)
        try:
            yield
        finally:
            logging.getLogger().handlers.clear()


def _arrival(offset: int, value: bytes) -> Arrival:
    return Arrival(place=Coordinate(topic_id=_TOPIC_ID, topic=TOPIC, partition=0, offset=offset), value=value)


_TOPIC_ID: Final = "bench"
