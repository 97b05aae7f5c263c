"""What has to happen in a run so that every panel has something to show, again and again: a rate needs a rise."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from click.testing import CliRunner
from confluent_kafka import Producer

from schemas.records.identifiers import MemberId, report_id_of
from schemas.topics import submitted_topic
from tests.builders.drafts import a_draft
from tests.builders.reports import a_report, an_escalation, an_item
from tocsin.cli.answer import command as answer
from tocsin.publisher import Publisher
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import load

SUBMITTER, RECIPIENT = MemberId("fr-hotline"), MemberId("nl-hotline")
AWAY, NOISY = MemberId("nl-police"), MemberId("us-hotline")
OF_EACH_TIER: Final[dict[str, dict[str, Any]]] = {
    "URGENT": {"escalation": an_escalation()},
    "HIGH": {"annotations": ("contact_abuse",)},
    "NORMAL": {},
    "LOW": {"annotations": ("viral",)},
}
NOWHERE: Final[dict[str, Any]] = {"items": (an_item(hosting=None),)}
"""It points to no country, and waits for a person."""
NOISY_ROUNDS: Final = 4
"""A member that sends more of it is paused, and is another test's."""
_UNREACHABLE: Final = """\
[[sinks]]
kind = "https"
url = "http://127.0.0.1:9/"
secret_file = "{secret}"
this_machine = true
"""
_REFERRAL: Final = "select referral_id from referrals where report_id = %s and recipient = %s"


@contextmanager
def a_sink_that_is_away(home: Path, folder: Path) -> Iterator[None]:
    """The police take delivery, and nobody listens where their sink is."""
    secret = folder / "sink.secret"
    secret.touch(0o600)
    secret.write_text(f"whsec_{'A' * 43}=")
    file = home / "config" / f"{AWAY}.delivery.toml"
    file.write_text(_UNREACHABLE.format(secret=secret))
    try:
        yield
    finally:
        file.unlink()


class Happenings:
    """Reports of each tier, noise, a record that nobody signed, and people who take up what came to them."""

    def __init__(self, stack: Any) -> None:
        self._stack = stack
        self._codec = RecordCodec(SchemaDirectory(load(stack.config("ops")).registry))
        self._round = 0
        self._untaken: list[str] = []

    def again(self) -> None:
        """One more of each."""
        self._round += 1
        self._take_up()
        moment = time.time_ns()
        with Publisher(self._stack.config(SUBMITTER)) as publisher:
            for name, own in (OF_EACH_TIER | {"nowhere": NOWHERE}).items():
                publisher.publish(a_draft(submitter_reference=f"watched-{name}-{moment}", **own))
        self._untaken += [f"watched-{tier}-{moment}" for tier in OF_EACH_TIER]
        if self._round <= NOISY_ROUNDS:
            self._make_noise(f"unsigned-{moment}")

    def _make_noise(self, reference: str) -> None:
        unsigned = self._codec.dumps(a_report(submitter=NOISY, submitter_reference=reference))
        producer = Producer(self._stack.client(NOISY))
        for value in (b"no frame", unsigned):
            producer.produce(submitted_topic(NOISY), value)
        assert producer.flush(30) == 0

    def _take_up(self) -> None:
        """Those whose inbox does not have it yet are taken up another time."""
        self._untaken = [reference for reference in self._untaken if not self._is_taken_up(reference)]

    def _is_taken_up(self, reference: str) -> bool:
        with self._stack.postgres.connect(database="tocsin") as connection:
            found = connection.execute(_REFERRAL, [report_id_of(SUBMITTER, reference), RECIPIENT]).fetchone()
        if found is None:
            return False
        words = [str(found[0]), "--as", RECIPIENT, "--taken-up", "--home", str(self._stack.home)]
        return CliRunner().invoke(answer, words).exit_code == 0
