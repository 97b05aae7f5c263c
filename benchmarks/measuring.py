"""One run of one engine: records a second and CPU-seconds, from the first settled record to the last."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_LOOK_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 300.0


class Run(Struct, frozen=True, kw_only=True):
    """What one run took, its start-up left out."""

    records: int
    seconds: float
    cpu_seconds: float

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
    with (
        tempfile.TemporaryDirectory() as scratch,  # an engine that is killed tidies nothing up
        (home / "logs" / f"bench-{name}.log").open("wb") as log,
    ):
        child = subprocess.Popen(  # noqa: S603  # our own words
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=os.environ | {"TMPDIR": scratch}
        )
        try:
            return _measured(child, wanted, count)
        finally:
            child.kill()
            child.wait()


def _measured(child: "subprocess.Popen[bytes]", wanted: int, count: Callable[[], int]) -> Run:
    first, started, cpu = _when(child, 1, count)
    last, ended, cpu_ended = _when(child, wanted, count)
    if last == first:
        raise SystemExit("The engine was done before it was looked at twice: measure more reports (--reports).")
    return Run(records=last - first, seconds=ended - started, cpu_seconds=cpu_ended - cpu)


def _when(child: "subprocess.Popen[bytes]", wanted: int, count: Callable[[], int]) -> tuple[int, float, float]:
    deadline = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < deadline:
        done = count()
        if done >= wanted:
            return done, time.monotonic(), _cpu_seconds(child.pid)
        if child.poll() is not None:
            raise SystemExit(f"The engine ended with {child.returncode}; see its log.")
        time.sleep(_LOOK_SECONDS)
    raise SystemExit(f"The engine did {count()} of {wanted} records in {_LONGEST_SECONDS:.0f} seconds.")


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
