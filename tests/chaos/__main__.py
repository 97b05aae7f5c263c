"""`python -m tests.chaos --reports 20000 --seed 7`: one run, one JSON verdict; ends with 3 when not clean."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.chaos.run import Plan, Run
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack

_REPORTS_PER_SECOND = 120.0
"""About what two cores triage and deliver while they are being killed."""
NOT_CLEAN = 3


def main() -> int:
    """Start a stack, run, stop the stack; keep the home where the run was not clean."""
    arguments = _arguments()
    home = arguments.home or Path(tempfile.mkdtemp(prefix="tocsin-chaos-"))
    plan = Plan(
        reports=arguments.reports,
        seed=arguments.seed,
        publishing_seconds=max(10.0, arguments.reports / _REPORTS_PER_SECOND),
        kill_gap_seconds=arguments.kill_gap_seconds,
    )
    stack = LocalStack(home)
    try:
        stack.up(sample_charter(), lambda name, what: None if name == "downloads" else say(f"{name} {what}"))
        verdict = Run(plan, stack, say).verdict()
    finally:
        stack.down()
    sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")
    if verdict.clean and not arguments.home:
        shutil.rmtree(home)
    else:
        say(f"everything is kept in {home}")
    return 0 if verdict.clean else NOT_CLEAN


def say(sentence: str) -> None:
    """Progress goes to stderr, the verdict alone to stdout."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {sentence}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--reports", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kill-gap-seconds", type=float, default=3.0)
    parser.add_argument("--home", type=Path, help="A fresh folder that is kept; by default one that is removed.")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
