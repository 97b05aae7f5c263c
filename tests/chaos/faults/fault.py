"""What every fault is: a name, a sentence, what it needs beforehand, and one blow to a running exchange."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from schemas.failures import Broken
from tests.chaos.order import Within, by_topic, referred, taken
from tests.chaos.publishing import Confirmed
from tests.chaos.run import COPIES, Plan, Run, Say
from tests.chaos.verdict import Deliveries, Verdict, is_whole
from tocsin.runtime.proof.evidence import Finding
from tocsin.stack.demo.crew import Crew, Launch
from tocsin.stack.local import LocalStack
from tocsin.stack.receiving import Recipient

Facts = Mapping[str, str | int | float | bool]
Strike = Callable[[], Facts]
"""The blow itself: returns when the trouble is over, with what it saw."""
_TICK_SECONDS = 0.2
_AFTER_DELETION = frozenset({Finding.LOST_REFERRAL, Finding.UNEXPLAINED_REFERRAL})
"""What a proof says of decisions whose referrals a topic has no more; strings, as a verdict counts them."""
_AT_WORK_SECONDS = 30.0


class Impossible(Broken):
    """This machine cannot make the fault: said with the evidence, and never counted as survived."""


class Fault(Struct, frozen=True, kw_only=True):
    """One family: what is set up before any process of ours runs, on a stack that is up, and the blow."""

    name: str
    says: str
    setting: "Callable[[Scene], AbstractContextManager[Strike]]"
    launch: "Callable[[Scene], Launch | None]" = lambda _: None
    """How processes are started, where not plainly."""
    requires: Callable[[], None] = lambda: None
    """Raises Impossible before anything is started."""
    reports: int = 1200
    publishing_seconds: float = 30.0
    brokers: int = 1
    broker_settings: Mapping[str, str] = {}
    """Of its own stack, where it has one: what only a broker's start changes."""
    calm_seconds: float = 4.0
    """Of plain work before the blow."""


class Scene(Run):
    """One run of one fault: publish, strike, mend, measure the recovery, drain, judge."""

    def __init__(self, fault: Fault, plan: Plan, stack: LocalStack, say: Say) -> None:
        """A plan of fewer reports than the fault's own is a brief one: what can be shorter is."""
        super().__init__(plan, stack, say)
        self.fault = fault
        self.plan = plan
        self.stack = stack
        self.say = say
        self.pace = min(1.0, plan.reports / fault.reports)
        self.chance = random.Random(plan.seed)  # noqa: S311 -- a repeatable run, no secret
        self._facts: Facts = {}
        self._unmet: list[str] = []
        self._forgiven = 0
        self._ordered_within: Within = by_topic
        self._also: dict[str, tuple[str, int]] = {}
        self._among_submitted = 0
        self._extra: dict[str, tuple[str, ...]] = {}
        self._recovery_seconds: float | None = None
        self._crew: Crew | None = None

    @property
    def home(self) -> Path:
        """Of the stack and everybody on it."""
        return self.stack.home

    @property
    def crew(self) -> Crew:
        """The processes of ours."""
        if self._crew is None:
            raise Broken("No process runs yet.", code="chaos.no_crew")
        return self._crew

    def verdict(self) -> Verdict:
        """Run it all on a stack that is up."""
        with self.fault.setting(self) as strike:
            with Crew(self.home, self.home / "logs", self.plan.program, self.fault.launch(self)) as crew:
                self._crew = crew
                for name in self.plan.commands:
                    self.start(name)
                self._blow(strike)
                self._drain(crew)
            return self._judge()

    def start(self, name: str, *arguments: str) -> None:
        """One process of the plan, again or for the first time; with arguments, another one beside them."""
        if arguments:
            self._extra[name] = arguments
        self._start(self.crew, name)

    def kill(self, name: str) -> None:
        """SIGKILL and no new start: the fault decides when."""
        self._kills[name] += 1
        self.crew.kill(name)

    def leave(self, name: str, *, politely: bool = True) -> None:
        """End one of those beside the plan's, for good."""
        self._extra.pop(name, None)
        self._kills[f"{name} left"] += 1
        self.crew.leave(name, grace_seconds=20 if politely else 0)

    def expect(self, holds: bool, sentence: str) -> None:
        """What must be so beside the counts; a run in which it is not so is not clean."""
        if not holds:
            self.say(f"NOT SO: {sentence}")
            self._unmet.append(sentence)

    def wait(self, seconds: float) -> None:
        """Let time pass, and do what a process manager does meanwhile."""
        deadline_seconds = time.monotonic() + seconds
        while time.monotonic() < deadline_seconds:
            self._revive(self.crew)
            time.sleep(_TICK_SECONDS)

    def until(self, holds: Callable[[], bool], seconds: float) -> float:
        """Wait for it as above; tells how long it took, at most the given time."""
        began_seconds = time.monotonic()
        while not holds() and time.monotonic() < began_seconds + seconds:
            self.wait(_TICK_SECONDS)
        return round(time.monotonic() - began_seconds, 1)

    def ended(self, name: str) -> int:
        """How often a process ended by itself and was started again."""
        return self._kills[f"{name} ended"]

    def keyed_otherwise(self) -> None:
        """Before ADR 58 a report's revisions lay in several partitions of a recipient, each in order."""
        self._ordered_within = lambda place: (place.topic, place.partition)

    def also(self, report_id: str, country: str) -> None:
        """A report that another member published, and that its recipients must have as well."""
        self._also[report_id] = (country, 1)

    def also_confirmed(self, confirmed: Confirmed) -> None:
        """What another program of the same submitters published: it is among what the broker has of them."""
        for report_id, country in confirmed.countries.items():
            self._also[report_id] = (country, confirmed.revisions[report_id])
        self._among_submitted += confirmed.published

    def forgive(self, records: int) -> None:
        """So many referrals of one recipient are gone, and somebody was told: exactly those may lack."""
        self._forgiven += records

    def recipient(self, member: str) -> Recipient:
        """What a member holds."""
        state = self.home / "state" / member
        return Recipient(member, state / "inbox.sqlite", (state / "delivered",))

    def delivered(self) -> int:
        """Referrals at the sinks."""
        return self._delivered()

    def _start(self, crew: Crew, name: str) -> None:
        crew.start(name, (self.plan.commands | self._extra)[name])

    def _blow(self, strike: Strike) -> None:
        publisher = self._publisher()
        try:
            self._warm_up()
            self.wait(self.fault.calm_seconds)
            self.say(f"{self.delivered()} delivered; now: {self.fault.says}")
            self._facts = strike()
            self._recover(self.plan.longest_trouble_seconds)
            self.until(lambda: publisher.poll() is not None, self.plan.longest_trouble_seconds)
        finally:
            publisher.kill()
        if publisher.wait():
            raise Broken(f"The publisher ended with {publisher.returncode}.", code="chaos.publisher")

    def _recover(self, longest_seconds: float) -> None:
        """The fault is over: how long until all is delivered that was due at this moment."""
        began_seconds = time.monotonic()
        due = self._due()
        self.until(lambda: self.delivered() >= due, longest_seconds)
        self._recovery_seconds = round(time.monotonic() - began_seconds, 1)
        self.say(f"over after {self._recovery_seconds} s; {self.delivered()} of {due} delivered that were due")

    def _due(self) -> int:
        return super()._due() + COPIES * (self._also_submitted() - self._among_submitted) - self._forgiven

    def _judge(self) -> Verdict:
        verdict = super()._judge()
        deliveries = self._less_forgiven(verdict.deliveries)
        is_proven = verdict.proven or bool(self._forgiven and verdict.findings.keys() <= _AFTER_DELETION)
        found = replace(
            verdict,
            fault=self.fault.name,
            deliveries=deliveries,
            recovery_seconds=self._recovery_seconds,
            facts=self._facts,
            unmet=tuple(self._unmet),
        )
        return replace(found, clean=is_whole(replace(found, proven=is_proven)))

    def _referred(self) -> Iterable[tuple[str, int]]:
        return referred(self.home, self._ordered_within)

    def _taken(self) -> Iterable[tuple[str, int]]:
        return taken(self.home, self._ordered_within)

    def _less_forgiven(self, found: Deliveries) -> Deliveries:
        if not self._forgiven:
            return found
        lacking = found.expected - found.at_sinks
        self.expect(lacking == self._forgiven, f"exactly the {self._forgiven} that were counted are gone: {lacking}")
        return replace(found, lost=0 if lacking == self._forgiven else found.lost)

    def _also_submitted(self) -> int:
        return sum(revisions for _, revisions in self._also.values())

    def _expected(self) -> int:
        return super()._expected() + COPIES * self._also_submitted() - self._forgiven

    def _confirmed(self) -> Confirmed:
        confirmed = super()._confirmed()
        confirmed.countries.update({report: country for report, (country, _) in self._also.items()})
        confirmed.revisions.update({report: revisions for report, (_, revisions) in self._also.items()})
        return confirmed


def at_once(strike: Callable[[Scene], Facts]) -> Callable[[Scene], AbstractContextManager[Strike]]:
    """The setting of a fault that needs none."""

    @contextmanager
    def setting(scene: Scene) -> Iterator[Strike]:
        yield partial(strike, scene)

    return setting


def one_after_the_other(faults: Sequence[Fault]) -> Callable[[Scene], AbstractContextManager[Strike]]:
    """Several faults on one exchange: all are set up, then each strikes, when work goes on after the one before."""

    @contextmanager
    def setting(scene: Scene) -> Iterator[Strike]:
        with ExitStack() as stack:
            strikes = [stack.enter_context(fault.setting(scene)) for fault in faults]
            yield lambda: {name: value for each in strikes for name, value in _when_at_work(scene, each).items()}

    return setting


def _when_at_work(scene: Scene, strike: Strike) -> Facts:
    before = scene.delivered()
    scene.until(
        lambda: scene.delivered() > before or scene.delivered() >= COPIES * scene.plan.reports, _AT_WORK_SECONDS
    )
    return strike()
