"""Keys hold under every spelling of an address, and under every order of what a report lists."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from processors.steps.deduplicate.selectors import Keys, digests_of, selectors
from processors.steps.deduplicate.urls import canonical_url
from schemas.records.report import ContentItem
from tests.builders.any_record import any_record
from tests.builders.identity import KEYS, nothing_follows
from tests.builders.reports import a_report, an_item

SEGMENTS = st.lists(st.text("abcXYZ019-_~äßж&=+;", min_size=1, max_size=8), min_size=1, max_size=4)
ITEMS = st.lists(any_record(ContentItem), max_size=4)


PLAIN = frozenset("abcXYZ019-_~")


@given(SEGMENTS, st.data())
def test_an_address_is_one_however_its_characters_are_escaped(segments: list[str], data: st.DataObject) -> None:
    first, second = (
        "https://files.example.test/"
        + "/".join("".join(_spelled(character, data) for character in segment) for segment in segments)
        for _ in range(2)
    )
    assert canonical_url(first) == canonical_url(second)


def _spelled(character: str, data: st.DataObject) -> str:
    """As it stands, or escaped in either case; a delimiter (&=+;) means something else when it is escaped."""
    escaped = "".join(f"%{byte:02X}" for byte in character.encode())
    spellings = [character, escaped, escaped.lower()] if character in PLAIN or not character.isascii() else [character]
    return data.draw(st.sampled_from(spellings))


@given(st.text(max_size=60))
def test_a_canonical_address_is_its_own(text: str) -> None:
    assert canonical_url(canonical_url(text)) == canonical_url(text)


@given(ITEMS, st.data())
def test_the_order_of_items_does_not_matter(items: list[ContentItem], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(items))
    assert _digests(items) == _digests(shuffled)


@given(ITEMS)
def test_a_further_item_takes_no_selector_away(items: list[ContentItem]) -> None:
    assert _digests(items) <= _digests([*items, an_item()])


@given(st.binary(max_size=200), st.text(max_size=200))
def test_a_selector_is_hmac_with_sha256_whatever_the_length_of_its_key(key: bytes, value: str) -> None:
    keys = Keys(digest=(key,), recipient=b"")
    expected = hmac.digest(key, f"incident\x1f{value}".encode(), "sha256")
    assert digests_of("incident", value, keys, nothing_follows) == (expected,)


def _digests(items: list[ContentItem]) -> set[bytes]:
    return {
        selector.digest
        for selector in selectors(a_report(source_url=None, items=tuple(items)), None, KEYS, nothing_follows)
    }
