"""Every code in the source has its sentences in the catalogue."""

import re
from pathlib import Path

import pytest

from schemas.catalogue import catalogue, message

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("schemas", "tocsin", "producers", "processors", "consumers")
USED = re.compile(
    r"""(?:code|rule)=f?"([a-z_]+\.[a-z_0-9]+)"|: Final = "(firewall\.[a-z_0-9]+)"|yield "(schema\.\w+)\""""
)


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
    assert message("nobody.knows") == "nobody.knows"
