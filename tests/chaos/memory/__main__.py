"""`python -m tests.chaos.memory --reports 1000000`: one run, one JSON verdict; ends with 3 where memory is not flat.

Reports flow as fast as they are triaged, a member's own Publisher among the submitters, on topics whose retention is
short; the resident memory of every process is looked at all the while.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.chaos.__main__ import NOT_CLEAN, say
from tests.chaos.memory.run import Flow, MemoryRun
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack


def main() -> int:
    """Start a stack, run, judge, stop; the home is kept where memory is not flat."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.memory", description=__doc__)
    parser.add_argument("--reports", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--delivered-share", type=int, default=10, help="Every so manieth report has two recipients.")
    parser.add_argument("--minutes", type=float, default=240.0, help="What is published by then is the run.")
    arguments = parser.parse_args()
    flow = Flow(
        reports=arguments.reports,
        seed=arguments.seed,
        delivered_every=arguments.delivered_share,
        longest_seconds=60 * arguments.minutes,
    )
    home = Path(tempfile.mkdtemp(prefix="tocsin-memory-"))
    stack = LocalStack(home, brief=True)
    try:
        stack.up(sample_charter(), lambda name, what: None if name == "downloads" else say(f"{name} {what}"))
        verdict = MemoryRun(flow, stack, say).verdict()
    finally:
        stack.down()
    sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")
    if verdict.flat:
        shutil.rmtree(home)
    else:
        say(f"everything is kept in {home}")
    return 0 if verdict.flat else NOT_CLEAN


if __name__ == "__main__":
    sys.exit(main())
