"""What fuzzing learned of the compiled codec is tried again, and both engines say the same of it."""

from collections import Counter
from importlib import import_module
from typing import Any

import pytest

from schemas.definitions import RECORD_TYPES
from schemas.engines import interpreted
from tests.engines.learned import FILE, learned, lines

compiled = pytest.importorskip("schemas.engines.compiled", reason="the codec was not compiled here: make codec")
doors: Any = import_module("tests.engines.doors")
comparing: Any = import_module("tests.engines.comparing")
LEARNED = learned()


def test_what_was_learned_is_tried_at_its_door() -> None:
    for door, data in LEARNED:
        doors.DOORS[door](data)


def test_of_bytes_that_were_learned_both_engines_make_the_same_record_or_the_compiled_one_refuses() -> None:
    seen = Counter[str]()
    for data in (data for door, data in LEARNED if door != "load" and data):
        record_type = RECORD_TYPES[data[0] % len(RECORD_TYPES)]
        ours, theirs = (comparing.outcome(engine, record_type, data[1:]) for engine in (compiled, interpreted))
        assert ours == theirs or ours[0]
        seen[ours[0]] += 1
    assert seen.keys() >= {"", "record.truncated", "record.malformed", "record.trailing_bytes"}


def test_schemas_that_were_learned_load_or_are_refused() -> None:
    texts = [data.partition(doors.SEPARATOR)[0] for door, data in LEARNED if door == "load"]
    assert {doors.codec_of(text) is None for text in texts} == {True, False}


def test_the_file_has_every_input_once_and_in_order() -> None:
    assert FILE.read_text("ascii").splitlines() == lines(LEARNED)
