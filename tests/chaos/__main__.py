"""`python -m tests.chaos --reports 20000 --seed 7`: one run, one JSON verdict; ends with 3 when not clean.

With `--fault NAME` the exchange meets one fault instead of kills; `--fault all` runs one after the other.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from tests.chaos.apart import met_apart
from tests.chaos.faults import FAULTS
from tests.chaos.faults.fault import Fault, Impossible, Scene
from tests.chaos.run import Plan, Run
from tests.chaos.verdict import Verdict
from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack

_REPORTS_PER_SECOND = 120.0
"""About what two cores triage and deliver while they are being killed."""
_KILLED_REPORTS = 20_000
NOT_CLEAN = 3
ALL = "all"


def main() -> int:
    """One run, or one of each fault in a process of its own; the worst of them is the exit code."""
    arguments = _arguments()
    if arguments.here or arguments.fault is None:
        return _run(FAULTS.get(arguments.fault or ""), arguments)
    names = list(FAULTS) if arguments.fault == ALL else [arguments.fault]
    more = [f"--{name}={value}" for name in ("reports", "home") if (value := getattr(arguments, name))]
    return max(NOT_CLEAN * bool(met_apart(name, arguments.seed, more)) for name in names)


def _run(fault: Fault | None, arguments: argparse.Namespace) -> int:
    """Start a stack, run, stop the stack; keep the home where the run was not clean."""
    try:
        if fault:
            fault.requires()
    except Impossible as failure:
        say(f"{fault.name if fault else ''} cannot be made here: {failure}")
        return NOT_CLEAN
    home = arguments.home or Path(tempfile.mkdtemp(prefix="tocsin-chaos-"))
    stack = _stack_for(fault, home)
    try:
        stack.up(sample_charter(), lambda name, what: None if name == "downloads" else say(f"{name} {what}"))
        verdict = _verdict(fault, stack, arguments)
    finally:
        stack.down()
    sys.stdout.write(msgspec.json.encode(verdict).decode() + "\n")
    sys.stdout.flush()
    if verdict.clean and not arguments.home:
        shutil.rmtree(home)
    else:
        say(f"everything is kept in {home}")
    return 0 if verdict.clean else NOT_CLEAN


def _stack_for(fault: Fault | None, home: Path) -> LocalStack:
    if fault is None:
        return LocalStack(home)
    return LocalStack(home, brief=True, brokers=fault.brokers, broker_settings=fault.broker_settings)


def _verdict(fault: Fault | None, stack: LocalStack, arguments: argparse.Namespace) -> Verdict:
    if fault:
        return Scene(fault, plan_of(fault, arguments.seed, arguments.reports), stack, say).verdict()
    reports = arguments.reports or _KILLED_REPORTS
    plan = Plan(
        reports=reports,
        seed=arguments.seed,
        publishing_seconds=max(10.0, reports / _REPORTS_PER_SECOND),
        kill_gap_seconds=arguments.kill_gap_seconds,
    )
    return Run(plan, stack, say).verdict()


def plan_of(fault: Fault, seed: int, reports: int | None = None) -> Plan:
    """What a fault asks for, or another number of reports over the same time."""
    return Plan(
        reports=reports or fault.reports,
        seed=seed,
        publishing_seconds=fault.publishing_seconds,
        kill_gap_seconds=0.0,
        countries=("NL",),
    )


def say(sentence: str) -> None:
    """Progress goes to stderr, the verdict alone to stdout."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {sentence}\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.epilog = "faults:\n" + "\n".join(f"  {name:<16}{fault.says}" for name, fault in FAULTS.items())
    parser.add_argument("--fault", choices=[*FAULTS, ALL], help="One of the faults below, or all of them.")
    parser.add_argument("--reports", type=int, help="Another number than the run's own.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--kill-gap-seconds", type=float, default=3.0)
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)  # in this process: tests/chaos/apart.py
    parser.add_argument("--home", type=Path, help="A fresh folder that is kept; by default one that is removed.")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
