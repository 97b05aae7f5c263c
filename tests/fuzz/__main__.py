"""`python -m tests.fuzz [TARGET ...] [--seconds N]`: look for inputs that break a door, guided by coverage.

What is found lies in tests/fuzz/found; move it to tests/fuzz/corpus/TARGET once it is mended, and it stays mended.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import click

CORPUS, FOUND = (Path(__file__).with_name(name) for name in ("corpus", "found"))
TARGETS = sorted(folder.name for folder in CORPUS.iterdir())
"""Each door has inputs to begin with (a test compares): what is instrumented must not be imported before."""
OURS = ["schemas", "producers", "consumers", "processors", "tocsin", "tests.fuzz"]
HANG_SECONDS, MEMORY_MEGABYTES = 1, 512
LONGEST_BYTES = 16_384


def main() -> int:
    """Each target in a process of its own; 1 where one of them found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=600, help="for each target (default: 600)")
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
        "timeout": HANG_SECONDS,
        "rss_limit_mb": MEMORY_MEGABYTES,
        "max_len": LONGEST_BYTES,
        "artifact_prefix": f"{FOUND}/{name}-",
    }
    learned = FOUND / f"learned-{name}"
    learned.mkdir(parents=True, exist_ok=True)
    words = [f"-{bound}={value}" for bound, value in bounds.items()]
    atheris.Setup([sys.argv[0], *words, str(learned), str(CORPUS / name)], lambda data: run(name, data))
    atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
