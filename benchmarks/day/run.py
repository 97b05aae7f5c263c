"""One run of a day: publish everything, look once a second how far each part is, and add up the CPU."""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from msgspec.structs import asdict

from benchmarks.about import about_now
from benchmarks.day.results import Day
from benchmarks.measuring import cpu_seconds
from schemas.failures import Broken
from tests.chaos.memory.exchange import Exchange
from tests.chaos.publishing import Publishing, Wanted, unique_reports
from tests.chaos.run import Plan, Say
from tocsin.stack.demo.crew import Crew
from tocsin.stack.local import LocalStack

_LOOK_SECONDS = 1.0
_STALL_SECONDS = 120.0
"""Whoever stands still for so long does not finish."""
_SAY_EVERY = 10
_COPIES = 2
_SEED = 7


class DayRun:
    """Owns the processes of one run; used once."""

    def __init__(self, reports: int, stack: LocalStack, say: Say) -> None:
        self._reports = reports
        self._stack = stack
        self._say = say
        self._exchange = Exchange(stack)
        self._plan = Plan(reports=reports, seed=_SEED, publishing_seconds=0, kill_gap_seconds=0)
        self._looks = 0

    def figures(self) -> Day:
        """Run it on a stack that is up. Raises Broken where a part stands still or the broker refuses a report."""
        about = about_now()
        publishing = Publishing(self._stack.home)
        with Crew(self._stack.home, self._stack.home / "logs") as crew:
            for name, arguments in self._plan.commands.items():
                crew.start(name, arguments)
            before, began = self._spent(crew), time.monotonic()
            published = self._published(publishing, began)
            triaged = self._until(self._triaged, self._reports, began, crew)
            delivered = self._until(self._delivered, _COPIES * self._reports, began, crew)
            returned = self._until(self._returned, _COPIES * self._reports, began, crew)
            after = self._spent(crew)
        return Day(
            **asdict(about),
            reports=self._reports,
            referrals=_COPIES * self._reports,
            publish_seconds=published,
            triage_seconds=triaged,
            delivery_seconds=delivered,
            return_seconds=returned,
            cpu_seconds={name: round(after[name] - before[name], 1) for name in after},
        )

    def _published(self, publishing: Publishing, began: float) -> float:
        wanted = Wanted(reports=self._reports, countries=self._plan.countries, seed=_SEED, seconds=0)
        for report in unique_reports(wanted):
            publishing.send(report)
        if failures := publishing.finish().failures:
            raise Broken(f"The broker did not take {failures} reports.", code="bench.unconfirmed")
        return _since(began)

    def _triaged(self) -> int:
        return self._exchange.settled()

    def _delivered(self) -> int:
        return self._exchange.delivered(self._plan.members)

    def _returned(self) -> int:
        return self._exchange.handled("returns")

    def _until(self, count: Callable[[], int], wanted: int, began: float, crew: Crew) -> float:
        done, moved = -1, time.monotonic()
        while (now := count()) < wanted:
            crew.require_all()
            if now != done:
                done, moved = now, time.monotonic()
            if time.monotonic() > moved + _STALL_SECONDS:
                raise Broken(f"{now} of {wanted} are done, and nothing moves any more.", code="bench.stalled")
            self._tell(now, wanted)
            time.sleep(_LOOK_SECONDS)
        return _since(began)

    def _tell(self, now: int, wanted: int) -> None:
        self._looks += 1
        if self._looks % _SAY_EVERY == 0:
            self._say(f"{now} of {wanted}")

    def _spent(self, crew: Crew) -> Mapping[str, float]:
        """CPU-seconds until now, by kind of process."""
        spent: dict[str, float] = defaultdict(float)
        for name in crew.names():
            spent[name.partition("-")[0]] += cpu_seconds(crew.pid(name))
        for daemon in self._stack.daemons:
            if (pid := daemon.pid()) is not None:
                spent[daemon.name] += _with_children(pid)
        return spent


def _with_children(pid: int) -> float:
    """PostgreSQL works in a process of its own for each connection; one that ended meanwhile is not counted."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    total = cpu_seconds(pid)
    for child in children:
        with suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_seconds(int(child))
    return total


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)
