"""Every input that was ever worth keeping goes through its door, in time and without a fault."""

import time
from pathlib import Path

import pytest

from tests.fuzz.targets import CORPUS, TARGETS, run

KEPT = sorted(file for file in CORPUS.glob("*/*") if file.is_file())
HANG_SECONDS = 1.0


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}-{file.name[:16]}")
def test_what_was_kept_goes_through_its_door(file: Path) -> None:
    run(file.parent.name, b"")
    began = time.process_time()
    run(file.parent.name, file.read_bytes())
    assert time.process_time() - began < HANG_SECONDS


def test_each_door_has_inputs_and_each_input_a_door() -> None:
    assert {file.parent.name for file in KEPT} == set(TARGETS)
