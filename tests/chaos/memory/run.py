"""One run: publish no faster than is triaged and delivered, look at memory and disk, drain, judge."""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import islice

from msgspec import Struct

from benchmarks.revision import commit
from schemas.records.report import ReportSubmitted
from tests.chaos.memory.exchange import LARGEST_PARTITION_BYTES, Exchange, rss_bytes
from tests.chaos.memory.publisher import count_file
from tests.chaos.memory.slope import Growth, Sample, growth
from tests.chaos.publishing import Confirmed, Publishing, Wanted, unique_reports
from tests.chaos.run import Plan, Say
from tests.chaos.verdict import RECIPIENTS
from tocsin.stack.demo.crew import Child, Crew, commanded
from tocsin.stack.ledger import balance_of
from tocsin.stack.local import LocalStack

_BATCH = 500
_MOST_UNDER_WAY = 6_000
"""Reports that are published and not triaged: far fewer than a topic keeps."""
_MOST_UNDELIVERED = 3_000
_EVERY_SECONDS = 2.0
_SAY_EVERY = 15
_STALL_SECONDS = 120.0
_NOWHERE = "AQ"
"""No member answers for it: its reports are triaged, settled and shown as having no recipient."""
_COUNTRY = "NL"
_PUBLISHER = "publisher"
_PUBLISHER_RESTS_SECONDS = 10.0
_PUBLISHER_MEMBER = "us-hotline"


class Flow(Struct, frozen=True, kw_only=True):
    """What is published."""

    reports: int
    seed: int
    delivered_every: int
    """Every so manieth report has two recipients; about the others the ledger says that nobody answers for them."""
    longest_seconds: float

    @property
    def countries(self) -> tuple[str, ...]:
        """To choose from by chance."""
        return (_COUNTRY, *[_NOWHERE] * (self.delivered_every - 1))


class Memory(Struct, frozen=True, kw_only=True):
    """One run; every number that decides is here."""

    flat: bool
    fault: str = "memory"
    seed: int
    wanted: int
    published: int
    """Confirmed by the broker, those of the member's own Publisher among them."""
    settled: int
    referrals_expected: int
    delivered: int
    balanced: bool
    processes: Mapping[str, Growth]
    largest_partition_bytes: int
    """On the broker's disk at the worst moment, whatever was written to it."""
    largest_partition_bound_bytes: int = LARGEST_PARTITION_BYTES
    database_bytes_per_report: float
    """What the ledger, the index and the log keep of a report until its retention ends."""
    restarts: Mapping[str, int]
    samples: int
    seconds: float
    commit: str


class MemoryRun:
    """Owns the processes of one run; used once."""

    def __init__(self, flow: Flow, stack: LocalStack, say: Say) -> None:
        self._flow = flow
        self._exchange = Exchange(stack)
        self._home = stack.home
        self._say = say
        plan = Plan(
            reports=flow.reports, seed=flow.seed, publishing_seconds=0, kill_gap_seconds=0, countries=(_COUNTRY,)
        )
        self._commands = plan.commands
        self._samples: dict[str, list[Sample]] = defaultdict(list)
        self._restarts: Counter[str] = Counter()
        self._largest_partition_bytes = 0
        self._sent = self._sent_with_recipients = 0
        self._looks = 0
        self._began_seconds = time.monotonic()

    def verdict(self) -> Memory:
        """Run it all on a stack that is up."""
        self._exchange.shorten_topics()
        before_bytes = self._exchange.database_bytes()
        publishing = Publishing(self._home)
        with Crew(self._home, self._home / "logs") as crew:
            for name, arguments in self._commands.items():
                crew.start(name, arguments)
            publisher = self._publisher()
            try:
                self._flow_by(publishing, crew, publisher)
            finally:
                publisher.terminate()
            publisher.wait()
            confirmed = publishing.finish()
            self._drain(confirmed, crew)
        return self._judge(confirmed, before_bytes)

    def _publisher(self) -> Child:
        words = (str(self._home), _PUBLISHER_MEMBER, str(_PUBLISHER_RESTS_SECONDS))
        return commanded("tests.chaos.memory.publisher", words, self._home / "logs" / f"{_PUBLISHER}.log")

    def _flow_by(self, publishing: Publishing, crew: Crew, publisher: Child) -> None:
        """Everything, or what can be published in the time given."""
        flow = self._flow
        wanted = Wanted(reports=flow.reports, countries=flow.countries, seed=flow.seed, seconds=0)
        reports = unique_reports(wanted)
        looked_seconds = 0.0
        while self._sent < flow.reports and time.monotonic() < self._began_seconds + flow.longest_seconds:
            if self._has_room():
                for report in islice(reports, _BATCH):
                    publishing.send(report)
                    self._sent += 1
                    self._sent_with_recipients += _has_recipients(report)
            else:
                publishing.wait(_EVERY_SECONDS / 10)
            if time.monotonic() > looked_seconds + _EVERY_SECONDS:
                looked_seconds = time.monotonic()
                self._look(crew, {_PUBLISHER: publisher.pid})

    def _has_room(self) -> bool:
        under_way = self._sent + self._own() - self._exchange.settled()
        undelivered = self._due() - self._exchange.delivered(RECIPIENTS[_COUNTRY])
        return under_way < _MOST_UNDER_WAY and undelivered < _MOST_UNDELIVERED

    def _look(self, crew: Crew, others: Mapping[str, int]) -> None:
        """Start again who ended, and take a sample."""
        for name, code in crew.ended().items():
            self._say(f"{name} ended with {code}; starting it again")
            self._restarts[name] += 1
            crew.start(name, self._commands[name])
        for name in self._commands:
            self._sample(name, self._exchange.handled(name), crew.pid(name))
        for name, pid in others.items():
            self._sample(name, self._own(), pid)
        self._largest_partition_bytes = max(self._largest_partition_bytes, self._exchange.largest_partition_bytes())
        self._looks += 1
        if self._looks % _SAY_EVERY == 0:
            sizes = ", ".join(f"{name} {rows[-1].rss_bytes >> 20}" for name, rows in self._samples.items())
            self._say(f"{self._exchange.settled()} of {self._sent} triaged; MiB: {sizes}")

    def _sample(self, name: str, records: int, pid: int) -> None:
        self._samples[name].append(Sample(records, rss_bytes(pid)))

    def _drain(self, confirmed: Confirmed, crew: Crew) -> None:
        state, moved_seconds = (-1, -1), time.monotonic()
        while time.monotonic() < moved_seconds + _STALL_SECONDS:
            now = (self._exchange.settled(), self._exchange.delivered(RECIPIENTS[_COUNTRY]))
            if now == (confirmed.published + self._own(), self._due()):
                return
            if now != state:
                state, moved_seconds = now, time.monotonic()
            time.sleep(_EVERY_SECONDS)
        self._say("draining: nothing moves any more")

    def _judge(self, confirmed: Confirmed, before_bytes: int) -> Memory:
        settled, balance = self._exchange.settled(), balance_of(self._home)
        delivered, due = self._exchange.delivered(RECIPIENTS[_COUNTRY]), self._due()
        published = confirmed.published + self._own()
        processes = {name: growth(samples) for name, samples in self._samples.items()}
        is_whole = settled == published and delivered == due and balance.holds and not confirmed.failures
        is_bounded = self._largest_partition_bytes <= LARGEST_PARTITION_BYTES
        return Memory(
            flat=bool(processes)
            and all(each.flat for each in processes.values())
            and is_whole
            and is_bounded
            and not self._restarts,
            seed=self._flow.seed,
            wanted=self._flow.reports,
            published=published,
            settled=settled,
            referrals_expected=due,
            delivered=delivered,
            balanced=balance.holds,
            processes=processes,
            largest_partition_bytes=self._largest_partition_bytes,
            database_bytes_per_report=round((self._exchange.database_bytes() - before_bytes) / max(1, settled), 1),
            restarts=dict(self._restarts),
            samples=self._looks,
            seconds=round(time.monotonic() - self._began_seconds, 1),
            commit=commit(),
        )

    def _own(self) -> int:
        """What the member's own Publisher has published, as it says itself."""
        file = count_file(self._home)
        return int(file.read_text() or 0) if file.exists() else 0

    def _due(self) -> int:
        """Referrals, of all revisions."""
        return len(RECIPIENTS[_COUNTRY]) * (self._own() + self._sent_with_recipients)


def _has_recipients(report: ReportSubmitted) -> bool:
    hosting = report.items[0].hosting
    return hosting is not None and hosting.country == _COUNTRY
