"""`.ci/nightly` runs each long target that there is, whatever became of the one before, and says which failed."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
NIGHTLY = ROOT / ".ci" / "nightly"
LONG = ["fuzz", "codec-fuzz", "codec-asan", "codec-long", "attack", "chaos", "chaos-faults", "chaos-memory"]
FAILING = ("codec-asan", "chaos")


def ran(tmp_path: Path, failing: tuple[str, ...], *targets: str) -> subprocess.CompletedProcess[str]:
    """With a `make` that does nothing but fail for some targets: the real ones take hours."""
    make = tmp_path / "bin" / "make"
    make.parent.mkdir()
    make.write_text(f'#!/bin/sh\necho "about $1"\ncase $1 in {"|".join(failing) or "-"}) exit 2 ;; esac\n', "utf-8")
    make.chmod(0o755)
    places = {"PATH": f"{make.parent}:{os.environ['PATH']}", "NIGHTLY_LOGS": str(tmp_path / "logs")}
    return subprocess.run(  # noqa: S603  # our own script
        [str(NIGHTLY), *targets], env=os.environ | places, capture_output=True, text=True, check=False
    )


def test_each_is_run_after_a_failure_too_and_has_one_line_and_a_log(tmp_path: Path) -> None:
    done = ran(tmp_path, FAILING)
    *lines, last = done.stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["FAILED" if target in FAILING else "passed", target] for target in LONG
    ]
    assert (last, done.returncode) == ("nightly: 2 of 8 failed", 1)
    assert [(tmp_path / "logs" / f"{target}.log").read_text("utf-8") for target in LONG] == [
        f"about {target}\n" for target in LONG
    ]


def test_a_night_without_a_failure_ends_well_and_one_target_can_be_asked_for(tmp_path: Path) -> None:
    done = ran(tmp_path, (), "attack")
    assert re.fullmatch(r"passed attack \d+ s\nnightly: 0 of 1 failed\n", done.stdout)
    assert done.returncode == 0


def test_each_target_is_one_of_the_makefile() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(LONG) <= known
