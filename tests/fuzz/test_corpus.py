"""Every input that was ever worth keeping goes through its door, in time, within its memory and without a fault."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.fuzz.__main__ import HANG_SECONDS, MEMORY_MEGABYTES
from tests.fuzz.memory import peak_megabytes
from tests.fuzz.targets import CORPUS, TARGETS, run

KEPT = sorted(file for file in CORPUS.glob("*/*") if file.is_file())


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}-{file.name[:16]}")
def test_what_was_kept_goes_through_its_door(file: Path) -> None:
    run(file.parent.name, b"")
    began = time.process_time()
    run(file.parent.name, file.read_bytes())
    assert time.process_time() - began < HANG_SECONDS


def test_each_door_has_inputs_and_each_input_a_door() -> None:
    assert {file.parent.name for file in KEPT} == set(TARGETS)


def test_none_of_them_takes_more_memory_than_was_promised() -> None:
    command = [sys.executable, "-m", "tests.fuzz.memory"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    assert done.returncode == 0, done.stderr
    peaks = {name: float(megabytes) for megabytes, name in (line.split(" ", 1) for line in done.stdout.splitlines())}
    assert len(peaks) == len(KEPT)
    assert {name: peak for name, peak in peaks.items() if peak > MEMORY_MEGABYTES} == {}


def test_memory_that_an_input_took_and_gave_back_is_seen() -> None:
    quiet = peak_megabytes(lambda: None)
    assert peak_megabytes(sixty_four_megabytes) > quiet + 60
    assert peak_megabytes(lambda: None) < quiet + 60


def sixty_four_megabytes() -> None:
    assert len(b"x" * (64 << 20))
