"""A clock that was set back ends the process; steps ahead, slewing and small steps do not."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.chaos.faults.clock import FAULT, preloaded
from tocsin.runtime.clock import ENDS_WITH, SET_BACK_SECONDS, set_back

PROGRAM = """
import time
from tocsin.runtime.clock import end_when_set_back
end_when_set_back()
print("watching", flush=True)
time.sleep(60)
"""


def readings(*offsets_seconds: float) -> list[tuple[float, float]]:
    """A moment each second, at which the wall clock is off by so much."""
    return [(1_795_000_000 + second + offset, float(second)) for second, offset in enumerate(offsets_seconds)]


@pytest.mark.parametrize("step", [SET_BACK_SECONDS, 3600.0, 86_400.0])
def test_a_clock_that_was_set_back_is_seen_with_its_seconds(step: float) -> None:
    assert list(set_back(readings(0, 0, -step, -step))) == [pytest.approx(step)]


@pytest.mark.parametrize("offsets", [(0, 86_400), (0, -15), (0, -0.01, -0.02, -0.03), (3600,), ()])
def test_steps_ahead_and_small_steps_are_nothing(offsets: tuple[float, ...]) -> None:
    assert not list(set_back(readings(*offsets)))


def test_the_way_back_from_a_step_ahead_is_seen() -> None:
    assert list(set_back(readings(0, 3600, 3600, 0))) == [pytest.approx(3600)]


def test_a_process_whose_clock_is_set_back_by_hours_ends_within_seconds(tmp_path: Path) -> None:
    FAULT.requires()
    offset = tmp_path / "clock"
    offset.write_text("+0\n")
    words = [*preloaded(offset), sys.executable, "-c", PROGRAM]
    with subprocess.Popen(  # noqa: S603 -- our own words
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        time.sleep(1.2)  # one look at the clock as it was
        offset.write_text("-7200\n")
        _, said = process.communicate(timeout=15)
    assert process.returncode == ENDS_WITH
    assert "clock.set_back" in said or "The clock was set back" in said
