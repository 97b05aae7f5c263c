"""`python -m tests.fuzz [TARGET ...] [--seconds N]`: look for inputs that break a door, guided by coverage.

What is found lies in tests/fuzz/found; move it to tests/fuzz/corpus/TARGET once it is mended, and it stays mended.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

import click

CORPUS, FOUND = (Path(__file__).with_name(name) for name in ("corpus", "found"))
TARGETS = sorted(folder.name for folder in CORPUS.iterdir())
"""Each door has inputs to begin with (a test compares): what is instrumented must not be imported before."""
OURS = ["schemas", "producers", "consumers", "processors", "tocsin", "tests.fuzz"]
DOOR_SECONDS = 600
HANG_SECONDS, MEMORY_MEGABYTES = 1.0, 512
"""Of the processor's time: by the wall's clock a busy machine would make a hang of every input."""
STALL_SECONDS = 60
"""By the wall's clock: for what stands in C or waits for something."""
LONGEST_BYTES = 16_384


class Hang(BaseException):
    """An input that took too long; no exception of a door's own kind, so that no door takes it for one."""


def main() -> int:
    """Each target in a process of its own; 1 where one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=DOOR_SECONDS, help="for each target (default: %(default)s)")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if unknown := set(chosen.targets) - set(TARGETS):
        parser.error(f"expected some of {', '.join(TARGETS)}, found {', '.join(sorted(unknown))}")
    if chosen.here:
        _fuzz(chosen.targets[0], chosen.seconds)
    names = chosen.targets or list(TARGETS)
    return max(_apart(name, chosen.seconds) for name in names)


def _apart(name: str, seconds: int) -> int:
    click.echo(f"{name}: {seconds} seconds")
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(seconds), "--here"]
    return min(1, abs(subprocess.run(command, check=False).returncode))  # noqa: S603  # our own words


def _fuzz(name: str, seconds: int) -> None:
    """Never returns: libFuzzer ends the process."""
    import atheris  # noqa: PLC0415  # of the fuzzing requirements alone

    with atheris.instrument_imports(include=OURS):
        from tests.fuzz.targets import run  # noqa: PLC0415  # not before it can be instrumented
    bounds = {
        "max_total_time": seconds,
        "timeout": STALL_SECONDS,
        "rss_limit_mb": MEMORY_MEGABYTES,
        "max_len": LONGEST_BYTES,
        "artifact_prefix": f"{FOUND}/{name}-",
    }
    learned = FOUND / f"learned-{name}"
    learned.mkdir(parents=True, exist_ok=True)
    words = [f"-{bound}={value}" for bound, value in bounds.items()]
    atheris.Setup(
        [sys.argv[0], *words, str(learned), str(CORPUS / name)], lambda data: in_time(partial(run, name, data))
    )
    atheris.Fuzz()


def in_time(door: Callable[[], None], seconds: float = HANG_SECONDS) -> None:
    """Go through a door; raises Hang where that takes more than so much of the processor's time."""
    before = signal.signal(signal.SIGPROF, _hangs)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        door()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _hangs(_: int, __: FrameType | None) -> None:
    raise Hang


if __name__ == "__main__":
    sys.exit(main())
