"""A delivery process that ends by SIGKILL at a chosen moment: `python deliver_and_die.py FOLDER SINK MOMENT [URL]`."""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from consumers.letters import Parcel
from consumers.sinks import manifest
from consumers.sinks.database import DatabaseSink
from consumers.sinks.directory import DirectorySink
from consumers.sinks.port import Presence, Sink
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral
from tests.builders.sinks import an_https_sink

REFERRALS = tuple(a_referral(f"case-{number}") for number in range(3))


def open_sink(kind: str, folder: Path, url: str) -> Sink:
    """The sink of that kind, as the process before and the process after see it."""
    if kind == "directory":
        return DirectorySink(folder / "theirs")
    if kind == "database":
        return DatabaseSink(create_engine(f"sqlite:///{folder / 'theirs.sqlite'}"), "tocsin_referrals")
    keyless: dict[str, Any] = {"check_url": "", "honours_key": False} if kind == "keyless" else {}
    return an_https_sink(url, **keyless)


def die(*_: object) -> None:
    """As the machine's power fails: no handler runs."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class Deadly:
    """A sink whose process dies at the second parcel, before or after the effect."""

    sink: Sink
    moment: str
    sent: int = 0

    def __post_init__(self) -> None:
        self.honours_key = self.sink.honours_key

    def send(self, parcel: Parcel) -> None:
        self.sent += 1
        if self.sent == 2 and self.moment == "before":
            die()
        if self.sent == 2 and self.moment == "within":
            manifest.Manifest.add = die  # type: ignore[assignment,method-assign]  # between the rename and the manifest
        self.sink.send(parcel)
        if self.sent == 2 and self.moment == "after":
            die()

    def check(self, key: str) -> Presence:
        return self.sink.check(key)

    def erase(self, key: str) -> bool:
        return self.sink.erase(key)

    def close(self) -> None:
        self.sink.close()


def main(folder: Path, kind: str, moment: str, url: str) -> None:
    """Receive three referrals and begin to deliver them."""
    counter = Counter(folder=folder / "store", sinks={"sink": Deadly(open_sink(kind, folder, url), moment)})
    counter.arrive(*REFERRALS)
    turn: Callable[[], int] = counter.courier.turn
    while turn():
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4])
