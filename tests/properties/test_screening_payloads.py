"""Whatever a file holds and however it is wrapped, no encoding of it passes; digests, tokens and names always do."""

import base64
import json
import re
import time
import uuid
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.records.report import ReportSubmitted
from schemas.screening import rule_of_text, scan_bytes, screen
from schemas.screening.encodings import SHORTEST_RUN, has_mixed_run
from tests.builders.any_record import any_record
from tests.builders.reports import a_hash, a_report, an_item

STARTS = st.sampled_from(
    [
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"GIF89a\x01\x00\x01\x00",
        b"RIFF\x24\x00\x00\x00WEBPVP8 ",
        b"\x00\x00\x00\x18ftypmp42",
        b"\x1a\x45\xdf\xa3\x01\x00\x00\x00",
        b"PK\x03\x04\x14\x00\x00\x00",
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03",
        b"7z\xbc\xaf\x27\x1c\x00\x04",
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3",
    ]
)
FILES = st.builds(lambda start, rest: start + rest, STARTS, st.binary(min_size=120, max_size=400))


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def hexadecimal(data: bytes) -> str:
    return data.hex()


def wrapped(data: bytes, width: int, mark: str) -> str:
    text = base64.b64encode(data).decode()
    return mark.join(text[n : n + width] for n in range(0, len(text), width))


ENCODERS: list[Callable[[bytes], str]] = [
    lambda data: base64.b64encode(data).decode(),
    base64url,
    hexadecimal,
    lambda data: data.hex(" "),
    lambda data: data.hex(":").upper(),
    lambda data: "".join(f"\\x{byte:02x}" for byte in data),
    lambda data: "".join(f"%{byte:02X}" for byte in data),
    lambda data: base64.b32encode(data).decode(),
    lambda data: base64.a85encode(data, adobe=True).decode(),
    lambda data: f"data:image/jpeg;base64,{base64.b64encode(data).decode()}",
    lambda data: json.dumps({"file": base64.b64encode(data).decode()}),
    lambda data: "".join(f"&#x{byte:02x};" for byte in data),
    lambda data: "".join(f"&#{letter};" for letter in base64.b64encode(data)),
    lambda data: ", ".join(map(str, data)),
    lambda data: str(list(data)),
    lambda data: " ".join(f"0b{byte:b}" for byte in data),
    lambda data: " ".join(f"{byte:08b}" for byte in data),
    lambda data: "".join(f"\\{byte:03o}" for byte in data),
    lambda data: " ".join(f"{byte:03o}" for byte in data),
    lambda data: "".join(chr(byte) if chr(byte).isalnum() and byte < 0x7F else f"={byte:02X}" for byte in data),
    lambda data: wrapped(data, 4, "."),
    lambda data: wrapped(data, 4, ","),
]


MARKS = st.sampled_from(["\n", "\r\n", " ", "\n> ", '",\n"', "\\\n"])


@given(FILES, st.sampled_from(ENCODERS))
def test_no_encoding_of_a_file_passes(data: bytes, encoded: Callable[[bytes], str]) -> None:
    assert rule_of_text(encoded(data), lines_allowed=True) is not None


@given(FILES, st.sampled_from(ENCODERS), st.sampled_from([ENCODERS[0], base64url, hexadecimal]))
def test_no_encoding_of_an_encoding_passes(
    data: bytes, inner: Callable[[bytes], str], outer: Callable[[bytes], str]
) -> None:
    assert rule_of_text(outer(inner(data).encode()), lines_allowed=True) is not None


@given(FILES)
def test_no_full_width_base64_of_a_file_passes(data: bytes) -> None:
    assert rule_of_text("".join(chr(letter + 0xFEE0) for letter in base64.b64encode(data))) is not None


@given(FILES, st.integers(4, 80), MARKS)
def test_no_wrapped_base64_of_a_file_passes(data: bytes, width: int, mark: str) -> None:
    assert rule_of_text(wrapped(data, width, mark), lines_allowed=True) is not None


@given(FILES, st.text(st.characters(codec="ascii", categories=("L", "N")), max_size=9))
def test_base64_of_a_file_does_not_pass_behind_other_text(data: bytes, before: str) -> None:
    assert rule_of_text(before + base64.b64encode(data).decode()) is not None


@given(st.binary(min_size=400, max_size=600))
def test_long_base64_that_no_detector_can_read_does_not_pass(data: bytes) -> None:
    assume(len(set(data)) > 60)
    assert rule_of_text(base64.b64encode(data).decode()) is not None


def starts_a_file(data: bytes) -> bool:
    return scan_bytes(data) is not None


@pytest.mark.parametrize("length", [16, 20, 28, 32, 48, 64, 144])
@given(data=st.data())
def test_digests_of_every_known_length_pass(length: int, data: st.DataObject) -> None:
    digest = data.draw(st.binary(min_size=length, max_size=length))
    assume(not starts_a_file(digest))
    assert rule_of_text(digest.hex()) is None
    assert rule_of_text(digest.hex().upper()) is None


@given(st.binary(min_size=144, max_size=144))
def test_photodna_in_base64_passes(digest: bytes) -> None:
    assume(not any(starts_a_file(digest[n:]) for n in range(3)))
    assert rule_of_text(base64.b64encode(digest).decode()) is None


@given(st.uuids())
def test_ids_pass(value: uuid.UUID) -> None:
    assert rule_of_text(str(value)) is None
    assert rule_of_text(f"urn:uuid:{value}") is None


@given(st.text(st.characters(categories=("L", "M", "Nd", "Pd", "Zs")), max_size=80))
def test_names_in_any_script_pass(name: str) -> None:
    assume(not any(len(word) >= 24 for word in name.encode("ascii", "ignore").decode().split()))
    assert rule_of_text(name) is None


@given(any_record(ReportSubmitted))
def test_screening_twice_finds_nothing_the_second_time(report: ReportSubmitted) -> None:
    once = screen(report)
    if not once.refused:
        assert screen(once.report).findings == ()


@given(any_record(ReportSubmitted))
def test_what_is_found_names_fields_and_never_values(report: ReportSubmitted) -> None:
    for finding in screen(report).findings:
        assert msgspec.structs.asdict(finding).keys() == {"path", "rule", "length", "sha256"}
        assert finding.path.partition("[")[0].partition(".")[0] in ReportSubmitted.__struct_fields__


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=5))
def test_a_report_with_any_digests_comes_back_as_it_was(digests: list[bytes]) -> None:
    assume(not any(starts_a_file(digest) for digest in digests))
    hashes = tuple(a_hash(value=digest.hex()) for digest in digests)
    report = a_report(items=(an_item(hashes=hashes),))
    assert screen(report).report is report


@pytest.mark.parametrize(
    "unit", ["A", "Aa1", "aA0+", "ff ", "<~", "data:", "%41", "=", "a b", "0x", "\\x", "é", "begin 644 ", "<svg"]
)
def test_time_grows_with_length_only(unit: str) -> None:
    started = time.perf_counter()
    rule_of_text(unit * (200_000 // len(unit)), lines_allowed=True)
    assert time.perf_counter() - started < 5


@given(st.lists(st.integers(0, 65_535).map(str), min_size=1, max_size=60), st.sampled_from([", ", " ", ";", ":", "-"]))
def test_lists_of_numbers_that_begin_no_file_pass(numbers: list[str], mark: str) -> None:
    bytes_of_it = bytes(int(number) for number in numbers if int(number) < 0x100)
    assume(scan_bytes(bytes_of_it) is None)
    assert rule_of_text(f"seen: {mark.join(numbers)}") is None


@given(text=st.text(alphabet=st.sampled_from("abgzAFGZ09+/_-éÉ"), max_size=120))
def test_a_mixed_run_is_one_of_both_cases_and_found_in_every_text(text: str) -> None:
    runs = re.findall(rf"[A-Za-z0-9+/_-]{{{SHORTEST_RUN},}}", text)
    assert has_mixed_run(text) == any(re.search("[g-z]", run) and re.search("[A-Z]", run) for run in runs)
