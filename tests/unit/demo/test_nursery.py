"""The nursery never heeds Ctrl-C, which a terminal sends to it too, from its very first moment."""

import subprocess
import sys

ASKS = """
import pathlib
from tocsin.cli.main import main
from tocsin.stack.demo.nursery import Nursery

if __name__ == "__main__":
    Nursery(main, ())
    for child in pathlib.Path("/proc/self/task").glob("*/children"):
        for pid in child.read_text().split():
            if "forkserver" in pathlib.Path(f"/proc/{pid}/cmdline").read_text():
                print(pathlib.Path(f"/proc/{pid}/status").read_text())
"""
SIGINT_BIT = 1 << 1


def test_ctrl_c_is_blocked_in_the_nursery() -> None:
    done = subprocess.run([sys.executable, "-c", ASKS], capture_output=True, text=True, check=True)  # noqa: S603  # our words
    (blocked,) = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("SigBlk:")]
    assert int(blocked, 16) & SIGINT_BIT
