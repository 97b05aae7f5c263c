"""Clocks of all our processes jump, ahead by an hour and a day and back by seconds; the broker's stays right.

Not farther back: librdkafka waits for an instant of the wall clock, so that a client that waits when its clock is set
back by an hour may stand still for an hour, whatever we do (docs/decisions/0038).
"""

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tests.chaos.faults.fault import Facts, Fault, Impossible, Scene, Strike
from tocsin.stack.demo.crew import Child, Launch, commanded

_JUMPS = {"a quarter of a minute back": -15, "an hour ahead": 3600, "a day ahead": 86_400}
_EACH_SECONDS = 7.0
_LIBRARY = ("vendor", "libfaketime", "src", "libfaketime.so.1")


def requires() -> None:
    """Raise Impossible where libfaketime is not installed."""
    if not _library().exists():
        raise Impossible("libfaketime is not installed: make setup.", code="chaos.impossible")


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """Every process reads from one file how far its wall clock is off; monotonic time goes on as it does."""
    _file(scene).write_text("+0\n")
    yield partial(strike, scene)


def strike(scene: Scene) -> Facts:
    """One jump after the other; the way back from a day ahead is taken with a restart of everybody."""
    before = scene.delivered()
    for says, seconds in _JUMPS.items():
        scene.say(f"the clock: {says}")
        _file(scene).write_text(f"{seconds:+d}\n")
        scene.wait(_EACH_SECONDS * scene.pace)
    scene.say("the clock: right again, and everybody is started anew")
    for name in scene.plan.commands:
        scene.kill(name)
    _file(scene).write_text("+0\n")
    for name in scene.plan.commands:
        scene.start(name)
    meanwhile = scene.delivered() - before
    scene.expect(meanwhile > 0, "work goes on while clocks jump")
    return {"jumps": len(_JUMPS), "delivered_meanwhile": meanwhile}


def launch(scene: Scene) -> Launch:
    """Everybody with the library before everything else."""
    words = (
        "env",
        f"LD_PRELOAD={_library()}",
        f"FAKETIME_TIMESTAMP_FILE={_file(scene)}",
        "FAKETIME_CACHE_DURATION=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "DONT_FAKE_MONOTONIC=1",
    )

    def start(arguments: Sequence[str], log: Path) -> Child:
        return commanded("tocsin", arguments, log, words)

    return start


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
    publishing_seconds=35.0,
)
