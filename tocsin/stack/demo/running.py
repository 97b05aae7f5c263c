"""The demo's run: start, tell the story while the view follows it, wait until all is at rest, sum up."""

import threading
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from schemas.failures import Temporary
from tocsin.stack.demo.exchange import Exchange
from tocsin.stack.demo.latency import UrgentLatency
from tocsin.stack.demo.snapshot import Snapshot, snapshot
from tocsin.stack.demo.story import Story, Told

LONGEST_SECONDS: Final = 240.0
"""Above this something hangs, and the demo says so."""
_LOOK_SECONDS: Final = 1.5

Show = Callable[[Told, Snapshot, float | None, float], None]


class Summary(Struct, frozen=True, kw_only=True):
    """What `tocsin demo --json` prints, and no more; counts are of this run."""

    published: int
    triaged: int
    refused: int
    """By the members' own validation, and by triage."""
    referrals: int
    delivered: int
    taken_up: int
    parked: int
    urgent_p99_seconds: float | None
    balanced: bool


class Account(Struct, frozen=True, kw_only=True):
    """The summary, and what explains the referrals that are neither delivered nor parked."""

    summary: Summary
    bundled: int
    """Of known content, for members that asked for one bundle a day."""
    withdrawn: int
    seconds: float
    """From the first look at the started exchange."""

    @property
    def unexplained(self) -> int:
        """Referrals of which nobody knows where they are: none, where nothing disappears."""
        told = self.summary
        return told.referrals - told.delivered - told.parked - self.bundled - self.withdrawn


class Run:
    """One telling of the story on a started exchange."""

    def __init__(self, exchange: Exchange, story: Story, show: Show) -> None:
        self._exchange = exchange
        self._story = story
        self._show = show
        self._started = time.monotonic()
        self._before = snapshot(exchange.home)
        self._bundled_before = exchange.bundled()
        self._latency = UrgentLatency(
            exchange.stack.client("ops"),
            exchange.submitters(),
            [exchange.policy.members[member] for member in exchange.receivers()],
        )

    def tell(self) -> Account:
        """Publish, wait until everything arrived, answer, wait again; raises Temporary where it never rests."""
        try:
            self._during(self._story.publish)
            self._until(self._has_arrived, "all referrals arrive")
            self._during(self._story.answer)
            self._until(self._is_answered, "all answers are read")
            return self._account(self._look())
        finally:
            self._latency.close()

    def _during(self, chapter: Callable[[], None]) -> None:
        """Follow one chapter from outside; what it raises is raised here."""
        failures: list[BaseException] = []

        def told() -> None:
            try:
                chapter()
            except BaseException as error:  # noqa: BLE001  # carried over to the main thread
                failures.append(error)

        thread = threading.Thread(target=told, name="story", daemon=True)
        thread.start()
        while thread.is_alive():
            self._look()
            thread.join(_LOOK_SECONDS)
        if failures:
            raise failures[0]

    def _until(self, holds: Callable[[Snapshot], bool], wanted: str) -> None:
        while not holds(self._look()):
            if time.monotonic() - self._started > LONGEST_SECONDS:
                raise Temporary(
                    f"Expected that {wanted} within {LONGEST_SECONDS:.0f} seconds. Look into the logs in "
                    f"{self._exchange.home / 'logs'}.",
                    code="demo.not_at_rest",
                )
            time.sleep(_LOOK_SECONDS)

    def _look(self) -> Snapshot:
        self._exchange.crew.require_all()
        self._latency.look()
        now = snapshot(self._exchange.home).since(self._before)
        self._show(self._story.told, now, self._latency.p99_seconds(), time.monotonic() - self._started)
        return now

    def _expected(self) -> int:
        told = self._story.told
        return told.published + told.corrected + told.withdrawn + told.unreadable

    def _has_arrived(self, now: Snapshot) -> bool:
        left = now.referrals.get("waiting", 0) - (self._exchange.bundled() - self._bundled_before)
        return now.came_in >= self._expected() and now.waiting == 0 and left <= 0

    def _is_answered(self, now: Snapshot) -> bool:
        taken_up = now.referrals.get("taken_up", 0) + now.referrals.get("refused", 0)
        return now.waiting == 0 and taken_up >= self._story.told.referrals_answered

    def _account(self, now: Snapshot) -> Account:
        return Account(
            summary=self._summary(now),
            bundled=self._exchange.bundled() - self._bundled_before,
            withdrawn=now.referrals.get("withdrawn", 0),
            seconds=time.monotonic() - self._started,
        )

    def _summary(self, now: Snapshot) -> Summary:
        told = self._story.told
        return Summary(
            published=told.published + told.corrected + told.withdrawn,
            triaged=sum(now.outcomes.values()),
            refused=told.refused_before + now.outcomes.get("refused", 0),
            referrals=now.made,
            delivered=now.arrived,
            taken_up=now.referrals.get("taken_up", 0),
            parked=now.referrals.get("parked", 0),
            urgent_p99_seconds=self._latency.p99_seconds(),
            balanced=now.balanced,
        )
