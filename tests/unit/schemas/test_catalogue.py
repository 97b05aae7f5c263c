"""Every code in the source has its sentences in the catalogue."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.catalogue import FOLDER, catalogue, message, told

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("schemas", "tocsin", "producers", "processors", "consumers")
FAILURES = ("Unreadable", "Refused", "Temporary", "Broken", "UnreadableRecord")
USED = re.compile(
    r"""(?:code|rule)=f?"([a-z_]+\.[a-z_0-9]+)"|: Final = "(firewall\.[a-z_0-9]+)"|yield "(schema\.\w+)\""""
)


def codes_of(*areas: str) -> set[str]:
    """What can be wrong with a record on its topic, which a status then tells by its code alone."""
    return {code for area in areas for code in tomllib.loads((FOLDER / f"{area}.toml").read_text("utf-8"))}


def codes_in_the_source() -> set[tuple[str, str]]:
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    found = ((file, match) for file in files for match in USED.finditer(file.read_text("utf-8")))
    return {(next(filter(None, match.groups())), str(file.relative_to(ROOT))) for file, match in found}


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    missing = sorted(pair for pair in codes_in_the_source() if pair[0] not in catalogue())
    assert missing == [], "add these to schemas/catalogue/<area>.toml"


def test_the_search_for_codes_finds_some() -> None:
    assert len(codes_in_the_source()) > 20


@pytest.mark.parametrize("code", catalogue())
def test_an_entry_is_a_sentence_and_what_to_do_is_one_too(code: str) -> None:
    entry = catalogue()[code]
    assert entry.message.endswith(".")
    assert entry.fix == "" or entry.fix.endswith(".")


def test_facts_are_put_in_and_missing_ones_stay_visible() -> None:
    assert "found 3 bytes" in message("value.too_short", length=3)
    assert "found <length> bytes" in message("value.too_short")


def test_an_unknown_code_speaks_for_itself() -> None:
    assert message("nobody.knows") == told("nobody.knows") == "nobody.knows"


TOLD = sorted(codes_of("language", "firewall"))


@pytest.mark.parametrize("code", TOLD)
def test_who_has_a_code_alone_reads_a_whole_sentence_without_a_gap(code: str) -> None:
    said = told(code)
    assert not set("{}<>") & set(said)
    assert re.search(r"[ ,;]\.", said) is None


def test_what_was_found_is_told_where_it_is_known() -> None:
    assert told("value.too_short") == "A value starts with a frame of 5 bytes. Publish with Tocsin."


def test_every_failure_that_is_raised_has_a_code() -> None:
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    bare = [f"{file.name}:{call.lineno}" for file in files for call in raised(file) if not has_code(call)]
    assert bare == [], "give these a code of schemas/catalogue"


def raised(file: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAILURES:
            yield node


def has_code(call: ast.Call) -> bool:
    return any(keyword.arg in {"code", None} for keyword in call.keywords)
