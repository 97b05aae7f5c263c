"""The nursery never heeds Ctrl-C, which a terminal sends to it too, from its very first moment."""

import subprocess
import sys

ASKS = """
import pathlib
import time
from tocsin.cli.main import main
from tocsin.stack.demo.nursery import Nursery

if __name__ == "__main__":
    Nursery(main, ())
    found, until = [], time.monotonic() + 30
    while not found and time.monotonic() < until:  # it has its own name a moment after it is born
        pids = [pid for file in pathlib.Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()]
        found = [pid for pid in pids if "forkserver" in pathlib.Path(f"/proc/{pid}/cmdline").read_text()]
    for pid in found:
        print(pathlib.Path(f"/proc/{pid}/status").read_text())
"""
SIGINT_BIT = 1 << 1


def test_ctrl_c_is_blocked_in_the_nursery() -> None:
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)  # noqa: S603  # our words
    (blocked,) = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("SigBlk:")]
    assert int(blocked, 16) & SIGINT_BIT
