"""Clocks of all our processes jump, ahead and back, by seconds, hours and a day; the broker's stays right.

Back by more than seconds ends a process, whose manager starts it anew: whoever waits for an instant of the wall clock,
as librdkafka does, would else stand still (tocsin/runtime/clock.py, docs/decisions/0038). While the clock is ahead
nobody may end, and what is decided is counted, not asked for: libfaketime lengthens each wait of librdkafka by what it
is ahead, which no real clock does. When it is back, work has to go on.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.chaos.faults.fault import Facts, Fault, Impossible, Scene, Strike
from tests.chaos.memory.exchange import Exchange
from tocsin.runtime.clock import SET_BACK_SECONDS
from tocsin.stack.demo.crew import Child, Launch, commanded

_JUMPS = {
    "a quarter of a minute back": -15,
    "an hour ahead": 3600,
    "an hour back": 0,
    "a day ahead": 86_400,
    "a day back": 0,
}
_EACH_SECONDS = 7.0
_REVIVAL_SECONDS = 30.0
_PROGRESS_SECONDS = 60.0
_LIBRARY = ("vendor", "libfaketime", "src", "libfaketime.so.1")


def requires() -> None:
    """Raise Impossible where libfaketime is not installed."""
    if not _library().exists():
        raise Impossible("libfaketime is not installed: make setup.", code="chaos.impossible")


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """Every process reads from one file how far its wall clock is off; monotonic time goes on as it does."""
    _set(scene, 0)
    yield partial(strike, scene)


def strike(scene: Scene) -> Facts:
    """One jump after the other under running processes; each long jump back ends all of them, and work goes on."""
    before, offset, ahead = scene.delivered(), 0, 0
    exchange = Exchange(scene.stack)
    for says, seconds in _JUMPS.items():
        scene.say(f"the clock: {says}")
        if seconds <= offset - SET_BACK_SECONDS:
            _jump_back(scene, says, seconds, exchange)
        elif seconds < 0:
            _jump_a_little_back(scene, says, seconds)
        else:
            ahead += _jump_ahead(scene, says, seconds, exchange)
        offset = seconds
    return {
        "jumps": len(_JUMPS),
        "ended_and_started_again": sum(scene.ended(name) for name in scene.plan.commands),
        "settled_while_ahead": ahead,
        "delivered_meanwhile": scene.delivered() - before,
    }


def _jump_a_little_back(scene: Scene, says: str, seconds: int) -> None:
    """Nobody ends, and deliveries go on."""
    before, delivered = _ends(scene), scene.delivered()
    _set(scene, seconds)
    scene.wait(_EACH_SECONDS)
    scene.until(lambda: scene.delivered() > delivered, _PROGRESS_SECONDS)
    scene.expect(_ends(scene) == before, f"nobody ends when the clock goes {says}")
    scene.expect(scene.delivered() > delivered, f"work goes on when the clock has gone {says}")


def _jump_ahead(scene: Scene, says: str, seconds: int, exchange: Exchange) -> int:
    """Nobody ends; tells how many reports were settled meanwhile."""
    before, settled = _ends(scene), exchange.settled()
    _set(scene, seconds)
    scene.wait(_EACH_SECONDS)
    scene.expect(_ends(scene) == before, f"nobody ends when the clock goes {says}")
    return exchange.settled() - settled


def _jump_back(scene: Scene, says: str, seconds: int, exchange: Exchange) -> None:
    """Every process ends by itself, once, and is started again by its manager; then triage and deliveries go on."""
    before, delivered, settled = _ends(scene), scene.delivered(), exchange.settled()
    _set(scene, seconds)
    scene.until(lambda: all(count > before[name] for name, count in _ends(scene).items()), _REVIVAL_SECONDS)
    scene.wait(_EACH_SECONDS)
    left = sorted(name for name, count in _ends(scene).items() if count != before[name] + 1)
    scene.expect(not left, f"each process ends once when the clock goes {says}; not so: {', '.join(left)}")
    scene.until(lambda: _goes_on(scene, exchange, delivered, settled), _PROGRESS_SECONDS)
    scene.expect(_goes_on(scene, exchange, delivered, settled), f"work goes on when the clock has gone {says}")


def _goes_on(scene: Scene, exchange: Exchange, delivered: int, settled: int) -> bool:
    """All are there again: the last jump, back from a day ahead, may find nothing more to decide."""
    return scene.delivered() > delivered and (exchange.settled() > settled or exchange.settled() >= scene.submitted())


def _ends(scene: Scene) -> dict[str, int]:
    return {name: scene.ended(name) for name in scene.plan.commands}


def launch(scene: Scene) -> Launch:
    """Everybody with the library before everything else."""
    words = preloaded(_file(scene))

    def start(arguments: Sequence[str], log: Path) -> Child:
        return commanded("tocsin", arguments, log, words)

    return start


def preloaded(offset: Path) -> tuple[str, ...]:
    """Words before a command whose wall clock is off by what that file says."""
    return (
        "env",
        f"LD_PRELOAD={_library()}",
        f"FAKETIME_TIMESTAMP_FILE={offset}",
        "FAKETIME_CACHE_DURATION=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "DONT_FAKE_MONOTONIC=1",
    )


def _set(scene: Scene, seconds: int) -> None:
    """How far everybody's wall clock is off from now on."""
    draft = _file(scene).with_suffix(".draft")
    draft.write_text(f"{seconds:+d}\n")
    draft.replace(_file(scene))


def _file(scene: Scene) -> Path:
    return scene.home / "clock"


def _library() -> Path:
    found = importlib.util.find_spec("libfaketime")
    places = found.submodule_search_locations if found else None
    return Path(places[0] if places else "/nowhere").joinpath(*_LIBRARY)


FAULT = Fault(
    name="clock",
    says="clocks of all processes jump ahead and back (libfaketime)",
    setting=setting,
    launch=launch,
    requires=requires,
    publishing_seconds=90.0,
)
