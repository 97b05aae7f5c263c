"""`tocsin demo`: the whole main job by one command, and nothing left of it when it is stopped in the middle."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.waiting import until
from tocsin.stack.inventory import FILES, HOME, found_in, too_open

pytestmark = pytest.mark.stack

SUMMARY = {
    "published",
    "triaged",
    "refused",
    "referrals",
    "delivered",
    "taken_up",
    "parked",
    "urgent_p99_seconds",
    "balanced",
}

NOT_IN_A_DEMO = {
    "checkpoints/*.note",
    "erasures/register.jsonl",
    "erasures/register.key",
    "members/*",
    "restrictions/register.jsonl",
    "policy/*",
    "run/*.pid",
    "run/metrics/*.json",
}


def demo(home: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tocsin", "demo", "--home", str(home), "--reports", "100", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # noqa: S603  # our words


def writing_into(home: Path) -> list[str]:
    """What still runs and writes into this home's logs."""
    return [output for output in _outputs() if output.startswith(str(home))]


def _outputs() -> Iterator[str]:
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                yield str((process / "fd" / "1").readlink())
            except OSError:  # it ended meanwhile, or is another user's
                continue


def told_until(moment: str, running: subprocess.Popen[str]) -> list[str]:
    """What it says of its progress until this comes, or until it ends."""
    assert running.stderr is not None
    told = []
    for line in running.stderr:
        told.append(line)
        if moment in line:
            break
    return told


def test_the_demo_ends_by_itself_balanced_with_every_referral_accounted_for(tmp_path: Path) -> None:
    with demo(tmp_path, "--json") as running:
        out, error = running.communicate(timeout=240)
    assert running.returncode == 0, error
    told = json.loads(out)
    assert told["balanced"]
    assert told["published"] > 100
    assert told["refused"] > 0
    assert set(told) == SUMMARY
    assert told["referrals"] >= told["delivered"] + told["parked"] > 100
    assert told["taken_up"] > 0
    assert told["urgent_p99_seconds"] is not None
    assert writing_into(tmp_path) == []
    found = found_in(tmp_path)
    assert [name for name, kind in found.items() if kind is None] == []
    assert too_open(tmp_path) == []
    assert {*FILES, *HOME} - set(found.values()) == NOT_IN_A_DEMO


@pytest.mark.parametrize(
    ("moment", "number"),
    [("kafka: starting", signal.SIGINT), ("hotline.jsonl", signal.SIGINT), ("publishes", signal.SIGHUP)],
)
def test_ctrl_c_and_a_closed_terminal_end_every_child_whenever_they_come(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    with demo(tmp_path) as running:
        told = told_until(moment, running)
        # It says what it starts, and starts it then.
        until(lambda: writing_into(tmp_path) or running.poll() is not None, what="nothing was started")
        assert running.poll() is None, f"it was in the middle; it said {told}"
        for _ in range(2):  # who waits presses again
            running.send_signal(number)
            time.sleep(0.3)
        running.communicate(timeout=120)
        assert running.returncode == 130
    deadline = time.monotonic() + 10
    while writing_into(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert writing_into(tmp_path) == []
