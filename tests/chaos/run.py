"""One run: publish, kill by the schedule, restart, drain, judge."""

import itertools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from benchmarks.revision import commit
from schemas.failures import Broken, Temporary
from schemas.topics import OPS, escalated_topic, submitted_topic
from tests.chaos.order import by_topic, decided, handed_over, referred, taken
from tests.chaos.publishing import SUBMITTERS, Confirmed, go_file
from tests.chaos.recovery import Recovery
from tests.chaos.schedule import Kill, process_kills, service_kills
from tests.chaos.verdict import RECIPIENTS, Verdict, compare, is_whole, out_of_order
from tocsin.runtime.ledger.reading import broker_offsets
from tocsin.runtime.proof.evidence import Found
from tocsin.runtime.settings import load
from tocsin.stack.demo.crew import Crew
from tocsin.stack.gathering import proof_of
from tocsin.stack.ledger import balance_of
from tocsin.stack.local import LocalStack
from tocsin.stack.receiving import Recipient, whole_files

_TICK_SECONDS = 0.2
_LOOK_SECONDS = 1.0
_WARM_UP_SECONDS = 30.0
_ASK_TIMES = 120
"""A broker that was lost and is back needs a while to know its partitions, on a busy machine."""
COPIES = 2
"""Each country of a plan has two recipients."""
Say = Callable[[str], None]


class Plan(Struct, frozen=True, kw_only=True):
    """What a run is made of."""

    reports: int
    seed: int
    publishing_seconds: float
    kill_gap_seconds: float
    countries: tuple[str, ...] = ("NL", "DE", "FR")
    kill_services: bool = True
    program: str = "tocsin"
    """The module whose processes run: another one than ours has a fault planted."""
    targets: tuple[str, ...] = ()
    """Which processes are killed; all of them where none is named."""
    calm_share: float = 0.9
    """Killing goes on until this share of the deliveries is made; what follows is the drain."""
    stall_seconds: float = 60.0
    """A drain that moves nothing for so long is over."""

    @property
    def longest_trouble_seconds(self) -> float:
        """Killing ends by then in any case, so that a run that loses something ends as well."""
        return 5 * self.publishing_seconds + 120

    @property
    def members(self) -> tuple[str, ...]:
        """Who takes delivery."""
        return tuple(member for country in self.countries for member in RECIPIENTS[country])

    @property
    def commands(self) -> dict[str, tuple[str, ...]]:
        """Name to arguments of every process that is killed."""
        lanes = {f"triage-{lane}": ("triage", "--lane", lane) for lane in ("normal", "escalated")}
        return lanes | {"returns": ("returns",)} | {f"deliver-{m}": ("deliver", m) for m in self.members}


class Run:
    """Owns the processes of one run; used once."""

    def __init__(self, plan: Plan, stack: LocalStack, say: Say) -> None:
        self._plan = plan
        self._stack = stack
        self._home = stack.home
        self._say = say
        self._kills: Counter[str] = Counter()
        self._recovery = Recovery()
        self._result = stack.home / f"chaos-{plan.seed}.json"
        self._began_seconds = time.monotonic()

    def verdict(self) -> Verdict:
        """Run it all on a stack that is up."""
        with Crew(self._home, self._home / "logs", self._plan.program) as crew:
            for name in self._plan.commands:
                self._start(crew, name)
            self._trouble(crew)
            self._drain(crew)
        return self._judge()

    def _trouble(self, crew: Crew) -> None:
        """Kill by both schedules until the publisher is done and most of the work is."""
        publisher = self._publisher()
        plan = self._plan
        processes = _due(process_kills(plan.targets or tuple(plan.commands), plan.seed, plan.kill_gap_seconds))
        services = list(service_kills(plan.seed, plan.publishing_seconds)) * plan.kill_services
        try:
            self._warm_up()
            began_seconds = time.monotonic()
            while self._is_busy(publisher, bool(services), time.monotonic() - began_seconds):
                passed_seconds = time.monotonic() - began_seconds
                if services and services[0].after_seconds < passed_seconds:
                    self._kill_service(services.pop(0).target)
                if target := processes(passed_seconds):
                    self._kill(crew, target)
                self._revive(crew)
                time.sleep(_TICK_SECONDS)
        finally:
            publisher.kill()
        if publisher.wait():
            raise Broken(f"The publisher ended with {publisher.returncode}.", code="chaos.publisher")

    def _warm_up(self) -> None:
        """A process that is killed before it began to work proves nothing."""
        deadline_seconds = time.monotonic() + _WARM_UP_SECONDS
        while not self._delivered() and time.monotonic() < deadline_seconds:
            time.sleep(_TICK_SECONDS)
        go_file(self._result).touch()

    def _is_busy(self, publisher: subprocess.Popen[bytes], has_more: bool, passed_seconds: float) -> bool:
        """Whether there is still something to disturb."""
        if publisher.poll() is None or has_more:
            return True
        delivered = self._delivered()
        self._recovery.look(time.monotonic(), delivered)
        is_calm = delivered >= self._plan.calm_share * self._expected()
        return not is_calm and passed_seconds < self._plan.longest_trouble_seconds

    def _drain(self, crew: Crew) -> None:
        """Let everything come to rest: all delivered and nothing waiting, or nothing moving any more."""
        state: tuple[int, int] = (-1, -1)
        moved_seconds = time.monotonic()
        while time.monotonic() < moved_seconds + self._plan.stall_seconds:
            self._revive(crew)
            now = (self._delivered(), self._waiting())
            self._recovery.look(time.monotonic(), now[0])
            if now[0] >= self._expected() and now[1] == 0:
                return
            if now != state:
                state, moved_seconds = now, time.monotonic()
                self._say(f"draining: {now[0]} of {self._expected()} delivered, {now[1]} records wait")
            time.sleep(_LOOK_SECONDS)
        self._say("draining: nothing moves any more")

    def _judge(self) -> Verdict:
        confirmed = self._confirmed()
        deliveries = compare(confirmed, self._at_sinks())
        late = sum(map(out_of_order, (decided(self._home), self._referred(), self._taken())))
        balance, proof = balance_of(self._home), proof_of(self._home)
        found = Verdict(
            clean=False,
            seed=self._plan.seed,
            published=confirmed.published,
            unconfirmed=confirmed.failures,
            deliveries=deliveries,
            out_of_order=late,
            overtaken_at_sinks=out_of_order(handed_over(self._home)),
            waiting=sum(line.waiting for line in balance.lines),
            balanced=balance.holds,
            proven=proof.holds,
            findings=Counter(str(each.finding) for each in proof.discrepancies),
            replayed=proof.replayed,
            kills=dict(sorted(self._kills.items())),
            recovery_seconds=self._recovery.seconds,
            seconds=round(time.monotonic() - self._began_seconds, 1),
            commit=commit(),
        )
        return replace(found, clean=is_whole(found))

    def _referred(self) -> Iterable[tuple[str, int]]:
        return referred(self._home, by_topic)

    def _taken(self) -> Iterable[tuple[str, int]]:
        return taken(self._home, by_topic)

    def _publisher(self) -> subprocess.Popen[bytes]:
        plan = self._plan
        words = (self._home, plan.reports, plan.seed, plan.publishing_seconds, ",".join(plan.countries), self._result)
        command = [sys.executable, "-m", "tests.chaos.publishing", *map(str, words)]
        return subprocess.Popen(command)  # noqa: S603 -- our own words

    def _start(self, crew: Crew, name: str) -> None:
        crew.start(name, self._plan.commands[name])

    def _kill(self, crew: Crew, name: str) -> None:
        self._kills[name] += 1
        struck_seconds = time.monotonic()
        crew.kill(name)
        self._start(crew, name)
        self._recovery.struck(struck_seconds, self._due())
        self._say(f"killed {name}; {self._delivered()} of {self._expected()} delivered")

    def _kill_service(self, name: str) -> None:
        """SIGKILL, a moment without it, and up again."""
        self._kills[name] += 1
        self._say(f"killed {name}")
        struck_seconds = time.monotonic()
        next(daemon for daemon in self._stack.daemons if daemon.name == name).kill()
        time.sleep(1)
        self._stack.revive()
        self._recovery.struck(struck_seconds, self._due())
        self._say(f"{name} is back")

    def _revive(self, crew: Crew) -> None:
        """Do what a process manager does: start again what ended because its environment was away."""
        for name, code in crew.ended().items():
            self._say(f"{name} ended with {code}; starting it again")
            self._kills[f"{name} ended"] += 1
            self._start(crew, name)

    def _expected(self) -> int:
        return COPIES * self._plan.reports

    def _due(self) -> int:
        """Deliveries of what the broker has by now of the submitters."""
        return COPIES * self._submitted_once()

    def _submitted_once(self) -> int:
        for attempt in itertools.count(1):
            try:
                return self.submitted()
            except Temporary:
                if attempt == _ASK_TIMES:
                    raise
            self.wait(1)
        return 0

    def submitted(self) -> int:
        """Records that the broker has of the submitters; raises Temporary where it is away."""
        topics = [topic(member) for member in SUBMITTERS for topic in (submitted_topic, escalated_topic)]
        offsets = broker_offsets(load(self._stack.config(OPS)).kafka, topics)
        return sum(end for _, end in offsets.values())

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def _delivered(self) -> int:
        folders = (self._home / "state" / member / "delivered" for member in self._plan.members)
        return sum(1 for folder in folders for _ in whole_files(folder))

    def _waiting(self) -> int:
        try:
            return sum(line.waiting for line in balance_of(self._home).lines)
        except Temporary:
            return -1

    def _confirmed(self) -> Confirmed:
        return msgspec.json.decode(self._result.read_bytes(), type=Confirmed)

    def _at_sinks(self) -> Iterator[Found]:
        """Every member's folder is looked into, whatever its delivery file says."""
        for folder in sorted((self._home / "state").glob("*/delivered")):
            yield from Recipient(folder.parent.name, folder.parent / "inbox.sqlite", (folder,)).at_sinks()


def _due(kills: Iterator[Kill]) -> Callable[[float], str]:
    """Asks the schedule: which process is to be killed by now, if any."""
    coming = next(kills)
    due_seconds = coming.after_seconds

    def ask(passed_seconds: float) -> str:
        nonlocal coming, due_seconds
        if passed_seconds < due_seconds:
            return ""
        target, coming = coming.target, next(kills)
        due_seconds = passed_seconds + coming.after_seconds
        return target

    return ask
