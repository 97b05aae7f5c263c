"""Each fault in a process of its own: whatever ends a run, it has a verdict, and the next one runs all the same."""

import subprocess
import sys
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from benchmarks.revision import commit

MODULE = "tests.chaos"


class Unjudged(Struct, frozen=True, kw_only=True, tag_field="judged", tag=False):
    """A run that came to no verdict of its own: not clean, and why."""

    clean: bool = False
    fault: str
    seed: int
    why: str
    commit: str


def met_apart(fault: str, seed: int, more: Sequence[str], module: str = MODULE) -> int:
    """Run one fault, pass on what it says, and say why where it gives no verdict; tells its exit code."""
    words = [sys.executable, "-m", module, "--fault", fault, "--seed", str(seed), "--here", *more]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as run:  # noqa: S603 -- our own words
        last = _passed_on(run)
        verdict = run.stdout.read() if run.stdout else ""
    why = f"{last} (exit code {run.returncode})"
    sys.stdout.write(verdict if _is_verdict(verdict) else _unjudged(fault, seed, why))
    sys.stdout.flush()
    return run.returncode


def _passed_on(run: "subprocess.Popen[str]") -> str:
    """The story as it is told; tells its last line."""
    last = ""
    for line in run.stderr or ():
        sys.stderr.write(line)
        last = line.strip() or last
    return last


def _is_verdict(text: str) -> bool:
    try:
        return "clean" in msgspec.json.decode(text, type=dict)
    except msgspec.DecodeError:
        return False


def _unjudged(fault: str, seed: int, why: str) -> str:
    return msgspec.json.encode(Unjudged(fault=fault, seed=seed, why=why, commit=commit())).decode() + "\n"
