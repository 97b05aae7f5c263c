"""Every input that was ever worth keeping goes through its door, in time, within its memory and without a fault."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from processors.intake import Accepted, Rejected
from processors.origins import Origin
from schemas.commitments import commitment_in
from schemas.records.report import ReportSubmitted, Withdrawal
from tests.fuzz.__main__ import HANG_SECONDS, MEMORY_MEGABYTES
from tests.fuzz.memory import peak_megabytes
from tests.fuzz.targets import CORPUS, TARGETS, admitted_signed, read_return, run

KEPT = sorted(file for file in CORPUS.glob("*/*") if file.is_file())


@pytest.mark.parametrize("file", KEPT, ids=lambda file: f"{file.parent.name}-{file.name[:16]}")
def test_what_was_kept_goes_through_its_door(file: Path) -> None:
    run(file.parent.name, b"")
    began = time.process_time()
    run(file.parent.name, file.read_bytes())
    assert time.process_time() - began < HANG_SECONDS


def test_each_door_has_inputs_and_each_input_a_door() -> None:
    assert {file.parent.name for file in KEPT} == set(TARGETS)


def test_what_is_signed_and_sealed_comes_through_verified_and_open() -> None:
    seeds = {file.name: file.read_bytes() for file in KEPT if file.parent.name == "codec-signed"}
    good = admitted_signed(seeds["seed-signed-and-sealed"])
    assert isinstance(good, Accepted)
    assert (good.origin, good.personal is not None) == (Origin.VERIFIED, True)
    proven = admitted_signed(seeds["seed-proven"])
    assert isinstance(proven, Accepted)
    assert is_proven(proven.report)
    refused = ("seed-signed-by-nobody", "seed-damaged-part", "seed-unsound-proof")
    codes = {name: admitted_signed(seeds[name]) for name in refused}
    assert {name: one.code for name, one in codes.items() if isinstance(one, Rejected)} == {
        "seed-signed-by-nobody": "origin.unknown_key",
        "seed-damaged-part": "sealed.damaged",
        "seed-unsound-proof": "origin.personal_commitment",
    }


def is_proven(record: ReportSubmitted | Withdrawal) -> bool:
    return isinstance(record, ReportSubmitted) and all(map(commitment_in, record.sealed))


def test_each_kind_of_return_comes_through_its_door() -> None:
    seeds = {file.name: file.read_bytes() for file in KEPT if file.parent.name == "returns"}
    read = {name: read_return(seeds[name]) for name in ("seed-answer", "seed-label", "seed-looked")}
    assert {name: one.rejected for name, one in read.items()} == dict.fromkeys(read)
    altered = read_return(seeds["seed-altered"]).rejected
    assert altered is not None
    assert altered.code == "origin.wrong"


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
