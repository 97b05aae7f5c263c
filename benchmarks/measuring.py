"""One run of one engine: records a second, CPU-seconds and memory, from the first settled record to the last."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 300.0
_SHOWN_LINES: Final = 15

Mark = tuple[int, float, float]
"""How many records were done, at which monotonic second, and the CPU-seconds of the process until then."""


class Run(Struct, frozen=True, kw_only=True):
    """What one run took, its start-up left out."""

    records: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    """The most memory that was resident."""

    @property
    def records_per_second(self) -> float:
        """The rate."""
        return self.records / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """CPU-seconds of the worker per 1,000 records."""
        return 1000 * self.cpu_seconds / self.records


def run_engine(name: str, home: Path, wanted: int, count: Callable[[], int]) -> Run:
    """Start the engine, and measure until it has done the wanted number of records."""
    command = [sys.executable, "-m", "benchmarks.engines", name, str(home)]
    with started(command, home / "logs" / f"bench-{name}.log") as child:
        return measured(child, wanted, count)


@contextmanager
def started(command: Sequence[str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that is killed at the end; one that is killed tidies nothing up, so it gets a folder to litter."""
    with tempfile.TemporaryDirectory() as scratch, log.open("ab") as sink:
        child = subprocess.Popen(  # noqa: S603  # our own words
            command, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, env=os.environ | {"TMPDIR": scratch}
        )
        try:
            yield child
        except SystemExit:
            sys.stderr.write("\n".join(log.read_text(errors="replace").splitlines()[-_SHOWN_LINES:]) + "\n")
            raise
        finally:
            child.kill()
            child.wait()


def measured(child: "subprocess.Popen[bytes]", wanted: int, count: Callable[[], int]) -> Run:
    """From the first record that is done to the last wanted one."""
    began, ended = (await_done(child, done, count) for done in (1, wanted))
    return between(began, ended, peak_bytes(child.pid))


def between(began: Mark, ended: Mark, peak: int) -> Run:
    """What lay between two looks at one process."""
    (first, began_seconds, cpu), (last, ended_seconds, cpu_ended) = began, ended
    if last == first:
        raise SystemExit("The engine was done before it was looked at twice: measure more reports (--reports).")
    return Run(
        records=last - first, seconds=ended_seconds - began_seconds, cpu_seconds=cpu_ended - cpu, peak_bytes=peak
    )


def await_done(child: "subprocess.Popen[bytes]", wanted: int, count: Callable[[], int]) -> Mark:
    """How many were done when it was enough, the monotonic second of that, and the CPU-seconds of the process."""

    def require_running() -> None:
        if child.poll() is not None:
            raise SystemExit(f"The engine ended with {child.returncode}; its last words are above.")

    done, at_seconds = until_done(wanted, count, require_running)
    return done, at_seconds, cpu_seconds(child.pid)


def until_done(wanted: int, count: Callable[[], int], require_running: Callable[[], None]) -> tuple[int, float]:
    """How many were done when it was enough, and the monotonic second of that; whoever has ended is told of at once."""
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        done = count()
        if done >= wanted:
            return done, time.monotonic()
        require_running()
        time.sleep(_LOOK_SECONDS)
    raise SystemExit(f"{count()} of {wanted} records were done in {_LONGEST_SECONDS:.0f} seconds.")


def spread(figures: Sequence[float]) -> dict[str, float]:
    """Least, median and most."""
    found = {"min": min(figures), "median": statistics.median(figures), "max": max(figures)}
    return {name: round(figure, 3) for name, figure in found.items()}


def cpu_seconds(pid: int) -> float:
    """User and system time of a process, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def peak_bytes(pid: int) -> int:
    """The most memory that was resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
