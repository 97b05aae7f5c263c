"""What the nightly run promises: ten minutes for each door, no input over a second, none over 512 MB."""

import time
from contextlib import suppress

import pytest

from tests.fuzz.__main__ import DOOR_SECONDS, HANG_SECONDS, MEMORY_MEGABYTES, Hang, in_time
from tests.fuzz.asking import posted
from tests.fuzz.targets import CORPUS, TARGETS


def test_the_bounds_are_those_that_were_promised() -> None:
    assert (DOOR_SECONDS, HANG_SECONDS, MEMORY_MEGABYTES) == (600, 1, 512)


@pytest.mark.parametrize("door", ["codec", "answers", "receiver", "receiver-signed", "policy"])
def test_each_door_that_was_named_is_one(door: str) -> None:
    assert door in TARGETS


def test_each_feed_is_a_door() -> None:
    assert {name for name in TARGETS if name.startswith("feed-")} >= {"feed-csv", "feed-jsonl", "feed-xarf"}


@pytest.mark.parametrize(
    ("kept", "status"), [("seed-json", 200), ("seed-csv", 200), ("key-of-another-file", 400), ("depth", 415)]
)
def test_the_signed_door_is_behind_the_signature(kept: str, status: int) -> None:
    assert posted((CORPUS / "receiver-signed" / kept).read_bytes()).status_code == status


def test_a_hang_is_one_even_where_a_door_takes_every_exception_for_its_own() -> None:
    def hanging() -> None:
        while True:
            with suppress(Exception):
                sum(range(1_000))

    with pytest.raises(Hang):
        in_time(hanging, 0.02)


def test_waiting_while_others_have_the_processor_is_no_hang() -> None:
    in_time(lambda: time.sleep(0.05), 0.02)
