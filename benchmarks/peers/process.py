"""One peer, a process in its own environment: `python -m benchmarks.peers.process NAME HOME GROUP`."""

import importlib
import signal
import sys
from pathlib import Path

from benchmarks.peers.job import job_of


def main() -> None:
    """Run one peer until it is killed."""
    name, home, group = sys.argv[1:4]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    importlib.import_module(f"benchmarks.peers.{name}").run(job_of(Path(home), group))


if __name__ == "__main__":
    main()
