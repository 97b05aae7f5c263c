"""Documents of strangers: bombs of depth, size, digits and doubled keys are refused, at every door, in one way."""

import ast
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers import settings as delivery
from consumers.answers import Problem, read_csv, read_json_lines
from producers.feeds.entries import Entry, Rejection
from producers.feeds.jsonl import reader as jsonl
from producers.feeds.xarf import reader as xarf
from schemas.documents import MOST_PARTS, json_value, toml_table
from schemas.failures import Broken, Failure
from tests.builders.drafts import CONTEXT
from tocsin.policy.bundle import load
from tocsin.policy.store.trust import read_trust
from tocsin.runtime import settings

ROOT = Path(__file__).parents[3]
DIGITS = b"9" * 5_000
JSON_BOMBS = {
    "deep lists": b"[" * 200_000,
    "deep lists that end": b'{"a": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep objects": b'{"a": ' * 200_000,
    "digits": b'{"revision": ' + DIGITS + b"}",
    "an exponent": b'{"revision": 1e999999999}',
    "no number": b'{"revision": NaN}',
    "a key twice": b'{"referral_id": "a", "referral_id": "b"}',
    "a key twice in other letters": b'{"a": {"id": 1, "\\u0069d": 2}}',
    "many parts": b"[" + b"[]," * MOST_PARTS + b"[]]",
}
TOML_BOMBS = {
    "deep lists": b"a = " + b"[" * 100_000,
    "deep tables": b"a = " + b"{a = " * 50_000,
    "a key of many parts": b"a" + b".a" * 50_000 + b" = 1",
    "a table of many parts": b"[" + b'"a" . ' * 50_000 + b"a]",
    "digits": b"a = " + DIGITS,
    "no date": b"a = 9999-99-99",
    "a key twice": b"a = 1\na = 2",
    "no text": b"a = '\xff'",
    "size": b"# " + b"a" * 16_777_216,
}


def feed_jsonl(data: bytes) -> bool:
    return all(refused(one) for one in jsonl.read(io.BytesIO(data), CONTEXT))


def feed_xarf(data: bytes) -> bool:
    return all(refused(one) for one in xarf.read(io.BytesIO(data), CONTEXT))


def refused(entry: Entry) -> bool:
    """As a document, and not for what its fields say."""
    return isinstance(entry, Rejection) and entry.problems[0].code in {"json.malformed", "line.too_long"}


def answers(data: bytes) -> bool:
    return isinstance(read_json_lines(data), Problem)


@pytest.mark.parametrize("bomb", JSON_BOMBS)
@pytest.mark.parametrize("door", [feed_jsonl, feed_xarf, answers])
def test_a_json_bomb_is_refused_in_a_second(door: Callable[[bytes], bool], bomb: str) -> None:
    began = time.process_time()
    assert door(JSON_BOMBS[bomb])
    assert time.process_time() - began < 1


def of_settings(file: Path) -> Any:
    return settings.load(file)


def of_delivery(file: Path) -> Any:
    return delivery.load(file, file.parent)


def of_trust(file: Path) -> Any:
    return read_trust(file)


def of_policy(file: Path) -> Any:
    file.rename(file.with_name("members.toml"))
    return load(file.parent)


@pytest.mark.parametrize("bomb", TOML_BOMBS)
@pytest.mark.parametrize("door", [of_settings, of_delivery, of_trust, of_policy])
def test_a_toml_bomb_is_refused_in_a_second_with_a_failure_of_ours(
    door: Callable[[Path], Any], bomb: str, tmp_path: Path
) -> None:
    (tmp_path / "file.toml").write_bytes(TOML_BOMBS[bomb])
    began = time.process_time()
    with pytest.raises(Failure) as caught:
        door(tmp_path / "file.toml")
    assert time.process_time() - began < 1
    assert isinstance(caught.value, Broken) or caught.value.code == "policy.invalid"


def test_a_column_of_answers_that_is_there_twice_is_refused() -> None:
    assert isinstance(read_csv(b"referral_id,answer,answer\r\na,taken_up,refused\r\n"), Problem)


def test_the_largest_document_that_is_read_stays_within_memory() -> None:
    look = (
        "import pathlib; from schemas.documents import json_value, MOST_PARTS;"
        """json_value(b'[' + b'{"a":{}},' * (MOST_PARTS // 3 - 1) + b'{}]');"""
        "print(pathlib.Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])"  # not its parent's
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, cwd=ROOT, check=True)  # noqa: S603
    assert int(done.stdout) < 512 * 1024


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON_VALUES)
def test_what_is_no_bomb_is_read_as_it_was(value: Any) -> None:
    assert json_value(json.dumps(value).encode()) == value


@given(st.dictionaries(st.text(min_size=1), JSON_VALUES, min_size=1))
def test_a_key_that_is_there_twice_is_refused_however_deep(value: dict[str, Any]) -> None:
    inside = json.dumps(value)[1:-1]
    with pytest.raises(msgspec.DecodeError):
        json_value(f'[{{"deep": {{{inside}, {inside}}}}}]'.encode())


def test_usual_tables_are_read() -> None:
    url = "http://a.example.test/1.2.3"
    assert toml_table(f'[a.b."c.d"]\ne.f = 1.5\nurl = "{url}"'.encode()) == {
        "a": {"b": {"c.d": {"e": {"f": 1.5}, "url": url}}}
    }


UNPACKING = {"xml", "lxml", "zipfile", "gzip", "bz2", "lzma", "zlib", "tarfile", "shelve", "pickle", "marshal", "yaml"}
"""Readers that a document can make do more than it has bytes for."""
ALLOWED = {
    ("tocsin/stack/jars.py", "tarfile"),
    ("tocsin/stack/jars.py", "zipfile"),
    ("tocsin/stack/objectives.py", "yaml"),
    ("tocsin/stack/watching/uplot.py", "zipfile"),
    ("tocsin/runtime/transport/unpacking.py", "zlib"),
}
"""Archives whose digest is locked; what the exchange's own people promise, without aliases (ADR 0039); batches of the
broker, within the bounds of ADR 0040."""


def test_nothing_of_ours_reads_xml_or_unpacks_what_strangers_send() -> None:
    found = {
        (str(file.relative_to(ROOT)), name.partition(".")[0])
        for package in ("schemas", "tocsin", "producers", "processors", "consumers")
        for file in (ROOT / package).rglob("*.py")
        for name in imported(ast.parse(file.read_text("utf-8")))
    }
    assert {(file, name) for file, name in found if name in UNPACKING} == ALLOWED
    assert len(found) > 1_000, "or this test would see nothing"


def imported(tree: ast.Module) -> set[str]:
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
