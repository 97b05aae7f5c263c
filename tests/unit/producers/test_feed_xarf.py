"""X-ARF v4: csam and csem are read, payloads are thrown away, everything else is refused with a reason."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from producers.feeds.entries import Drafted, Entry
from producers.feeds.table import feed_of
from producers.feeds.xarf import reader
from tests.builders.drafts import CONTEXT, codes

PARTY = {"org": "Simulated", "contact": "abuse@a.example.test", "domain": "a.example.test"}
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "xarf"


def an_xarf(**changes: Any) -> dict[str, Any]:
    return {
        "xarf_version": "4.2.0",
        "report_id": "6f1d3a52-8a39-4f0e-9d53-0f7c2f0b6f7a",
        "timestamp": "2025-11-02T09:15:00Z",
        "reporter": PARTY,
        "sender": PARTY,
        "source_identifier": "192.0.2.44",
        "category": "content",
        "type": "csam",
        "url": "https://files.example.test/17/1",
        "classification": "A1",
        "detection_method": "hash_match",
        "hash_values": {"sha256": "6f1d0f7c2f0b6f7a3d5c9e8b1a2c4d6e8f0a1b3c5d7e9f1a2b4c6d8e0f1a3b5c"},
        "media_type": "image",
    } | changes


def read(content: Any) -> list[Entry]:
    return list(reader.read(io.BytesIO(json.dumps(content).encode()), CONTEXT))


def test_what_the_report_says_is_carried_with_its_schemes() -> None:
    (entry,) = read(an_xarf())
    assert isinstance(entry, Drafted)
    (item,) = entry.draft.items
    assert (item.labels[0].scheme, item.labels[0].label, item.hashes[0].algorithm) == ("xarf", "A1", "sha256")
    assert item.hosting is not None
    assert item.hosting.ip_address == "192.0.2.44"


def test_an_evidence_payload_is_thrown_away_before_anything_is_stored_and_the_drop_is_recorded() -> None:
    payload = "SGFzaCBtYXRjaCBub3RpZmljYXRpb24=" * 40
    (entry,) = read(an_xarf(evidence=[{"content_type": "image/png", "payload": payload}]))
    assert isinstance(entry, Drafted)
    assert "evidence[0].payload:xarf.evidence_payload_not_carried" in entry.draft.removed_fields
    assert payload not in repr(entry)


def a_csem(**changes: Any) -> dict[str, Any]:
    material = ("classification", "hash_values", "media_type")
    plain = {name: value for name, value in an_xarf().items() if name not in material}
    conduct = {"type": "csem", "exploitation_type": "grooming", "detection_method": "behavioral_analysis"}
    return plain | conduct | changes


def test_conduct_keeps_how_it_was_found_where_it_happened_and_what_the_platform_holds() -> None:
    (entry,) = read(
        a_csem(platform="messaging_app", evidence_type=["chat_logs", "user_profile"], victim_age_range="toddler")
    )
    assert isinstance(entry, Drafted)
    draft = entry.draft
    assert draft.source_url is not None
    assert (draft.items, draft.detection_method, draft.incident_medium) == ((), "behavioural_analysis", "chat")
    assert (draft.held_material, draft.victim_age_band) == (("conversations", "profile"), "infant")
    assert (draft.incident_at is not None, draft.detected_at, draft.source_format) == (True, None, "xarf 4.2.0")
    assert codes(entry) == []


def test_what_has_no_place_is_left_out_and_told_by_its_path_and_never_by_its_value() -> None:
    indicators = {"account_id": "user-1", "pattern_of_behavior": "words about a person"}
    (entry,) = read(a_csem(perpetrator_indicators=indicators, tags=["x:viral", "case:anna"], whois={"registrant": "A"}))
    assert isinstance(entry, Drafted)
    assert set(entry.draft.removed_fields) == {
        "perpetrator_indicators.pattern_of_behavior:xarf.not_carried",
        "tags[1]:xarf.not_carried",
        "whois:xarf.not_carried",
    }
    assert entry.draft.annotations == ("viral",)
    assert "anna" not in repr(entry.draft)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"category": "connection", "type": "ddos"}, "xarf.other_type"),
        ({"type": "phishing"}, "xarf.other_type"),
        ({"xarf_version": "3"}, "xarf.version"),
        ({"url": 7}, "xarf.schema"),
    ],
)
def test_another_category_version_or_shape_is_refused_with_its_reason(changes: dict[str, Any], code: str) -> None:
    (entry,) = read(an_xarf(**changes))
    assert code in codes(entry)


def test_a_list_and_lines_are_read_as_well() -> None:
    assert len(read([an_xarf(), an_xarf(report_id="7f1d3a52-8a39-4f0e-9d53-0f7c2f0b6f7a")])) == 2
    lines = "\n".join(json.dumps(an_xarf()) for _ in range(3)).encode()
    assert len(list(reader.read(io.BytesIO(lines), CONTEXT))) == 3


def test_a_file_of_lines_has_no_bound_and_a_line_that_has_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_DOCUMENT_BYTES", 4_000)
    long = an_xarf(evidence=[{"content_type": "text/plain", "payload": "QUJD" * 2_000}])
    lines = "\n".join(json.dumps(one) for one in (an_xarf(), long, *(an_xarf() for _ in range(9)))).encode()
    first, too_long, *others = reader.read(io.BytesIO(lines), CONTEXT)
    assert isinstance(first, Drafted)
    assert (too_long.line, codes(too_long)) == (2, ["line.too_long"])
    assert [isinstance(entry, Drafted) for entry in others] == [True] * 9


def test_a_first_line_that_is_broken_takes_none_behind_it() -> None:
    bad, good = reader.read(io.BytesIO(b"{oops\n" + json.dumps(an_xarf()).encode()), CONTEXT)
    assert (codes(bad), isinstance(good, Drafted)) == (["json.malformed"], True)


def test_a_report_on_many_lines_and_one_with_a_byte_order_mark_are_read() -> None:
    for data in (json.dumps(an_xarf(), indent=2).encode(), b"\xef\xbb\xbf" + json.dumps(an_xarf()).encode()):
        (entry,) = reader.read(io.BytesIO(data), CONTEXT)
        assert isinstance(entry, Drafted)


@pytest.mark.skipif(not SAMPLES.exists(), reason="the folder of sample reports is not here")
@pytest.mark.parametrize(
    ("name", "good"), [("content-csam", 1), ("content-csem", 1), ("connection-ddos", 0), ("content-phishing", 0)]
)
def test_the_samples_of_the_format_go_through_or_are_refused(name: str, good: int) -> None:
    data = (SAMPLES / f"{name}.json").read_bytes()
    assert feed_of(data).name == "xarf"
    entries = list(reader.read(io.BytesIO(data), CONTEXT))
    assert sum(isinstance(entry, Drafted) for entry in entries) == good
    assert len(entries) == 1
