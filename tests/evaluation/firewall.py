"""What must be caught and what must pass (domain facts 6.1: data that must never enter; section 4: hash types)."""

import base64
import binascii
import gzip
from random import Random
from typing import Any, Final
from urllib.parse import quote

from tests.evaluation.writing import Family, a_case, a_report

_NOISE: Final = Random(17)  # noqa: S311 -- the same corpus every time
_PNG: Final = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + _NOISE.randbytes(150)
"""The start of a picture with random bytes behind it, and no picture."""
_PLACED: Final[dict[str, Any]] = {"declared_country": "NL", "incident_types": ["grooming"]}
_MAGIC: Final = {
    "png": _PNG,
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + _NOISE.randbytes(150),
    "gif": b"GIF89a" + _NOISE.randbytes(150),
    "webp": b"RIFF\x00\x01\x00\x00WEBPVP8 " + _NOISE.randbytes(150),
    "mp4": b"\x00\x00\x00\x18ftypmp42" + _NOISE.randbytes(150),
    "zip": b"PK\x03\x04\x14\x00" + _NOISE.randbytes(150),
    "rar": b"Rar!\x1a\x07\x01\x00" + _NOISE.randbytes(150),
    "7z": b"7z\xbc\xaf\x27\x1c" + _NOISE.randbytes(150),
    "gzip": gzip.compress(_NOISE.randbytes(150)),
    "random": _NOISE.randbytes(400),
}


_NO_BEGINNING: Final = frozenset(
    ("random", how)
    for how in (
        "split in words",
        "hex with spaces",
        "base85",
        "decimal numbers",
        "octal escapes",
        "octal numbers",
        "binary numbers",
        "quoted-printable",
        "cut by dots",
        "cut by colons",
        "cut by commas",
    )
)
"""Bytes that begin like nothing are told by the length of one run alone: cut in pieces, they look like digests."""


def caught() -> Family:
    """Every encoding of every beginning; a hit in an optional field empties it and says so."""
    for name, data in _MAGIC.items():
        plain = base64.b64encode(data).decode()
        for how, text in {
            "base64": plain,
            "base64url": base64.urlsafe_b64encode(data).decode(),
            "without padding": plain.rstrip("="),
            "wrapped": " ".join(plain[n : n + 60] for n in range(0, len(plain), 60)),
            "split in words": f"first {plain[: len(plain) // 2]} then {plain[len(plain) // 2 :]}",
            "hex": data.hex(),
            "hex with spaces": data.hex(" "),
            "ascii85": base64.a85encode(data, adobe=True).decode(),
            "base85": base64.b85encode(data).decode(),
            "base32": base64.b32encode(data).decode(),
            "character references": "".join(f"&#{letter};" for letter in plain.encode()),
            "full width": "".join(chr(letter + 0xFEE0) for letter in plain.encode()),
            "decimal numbers": ", ".join(map(str, data)),
            "octal escapes": "".join(f"\\{byte:03o}" for byte in data),
            "octal numbers": " ".join(f"{byte:03o}" for byte in data),
            "binary numbers": " ".join(f"{byte:08b}" for byte in data),
            "quoted-printable": "".join(
                chr(byte) if chr(byte).isalnum() and byte < 127 else f"={byte:02X}" for byte in data
            ),
            "cut by dots": _cut(plain, "."),
            "cut by colons": _cut(plain, ":"),
            "cut by commas": _cut(plain, ","),
            "nested": base64.b64encode(plain.encode()).decode(),
            "data uri": f"data:image/{name};base64,{plain[:40]}",
            "data uri, escaped": "https://example.test/?u=" + quote(f"data:image/{name};base64,{plain[:40]}", safe=""),
        }.items():
            if (name, how) not in _NO_BEGINNING:
                yield _caught(f"{name} as {how}", text)
    for name, text in {
        "svg": '<svg xmlns="http://www.w3.org/2000/svg">',
        "uuencoded": f"begin 644 p.bin {binascii.b2a_uu(_PNG[:45]).decode().strip()}",
        "a zero": "a\x00b",
        "turned around": "name\u202egpj.exe",
    }.items():
        yield _caught(name, text)


def passes() -> Family:
    """What reports consist of, in any script and of any length."""
    token = "".join(_NOISE.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=400))
    for name, text in {
        "md5": _NOISE.randbytes(16).hex(),
        "sha1": _NOISE.randbytes(20).hex(),
        "sha256": _NOISE.randbytes(32).hex(),
        "sha512": _NOISE.randbytes(64).hex(),
        "sha512 in capitals": _NOISE.randbytes(64).hex().upper(),
        "pdq": _NOISE.randbytes(32).hex(),
        "photodna as base64": base64.b64encode(_NOISE.randbytes(144)).decode(),
        "photodna as hex": _NOISE.randbytes(144).hex(),
        "ssdeep": "3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C",
        "tlsh": "T1" + _NOISE.randbytes(35).hex().upper(),
        "uuid": "7f3b1f6c-7a11-5d0e-9a53-7f3b1f6c7a11",
        "pgp fingerprint": "ABCD 1234 EF56 7890 ABCD  1234 EF56 7890 ABCD 1234",
        "jwt-like": f"{token[:30]}.{token[30:230]}.{token[230:]}",
        "signed url": f"https://cdn.example.test/v/{token[:12]}?Policy={token}&Signature={token[:256]}&Key-Pair-Id=APKA",
        "storage url": f"https://bucket.example.test/o?X-Amz-Security-Token={token}&X-Amz-Date=20260101T120000Z",
        "onion address": "https://exampleonionexampleonionexampleonionexampleonion234567.onion/forum/viewtopic.php?t=12",
        "escaped path": f"https://wiki.example.test/wiki/{quote('児童保護の通報窓口に関する説明文' * 4)}",
        "ipv6": "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "cyrillic": "Мария-Антуанетта Константинопольская-Петрова",
        "japanese": "児童保護の通報窓口に関する説明文をここに書きます、よろしくお願いします",
        "arabic": "مركز الإبلاغ عن المحتوى غير القانوني على الإنترنت",
        "thai": "ศูนย์รับแจ้งเนื้อหาที่ผิดกฎหมายบนอินเทอร์เน็ต",
        "a long word": "Donaudampfschifffahrtsgesellschaftskapitän",
        "prose": "The metadata: see the times; the account moved to another service on Monday at 10:30, twice.",
        "joined signs": "👨‍👩‍👧 a display name with signs that join",
        "greek": "Κωνσταντίνος Παπαδόπουλος-Οικονομίδης",
        "devanagari": "बाल संरक्षण हॉटलाइन की रिपोर्ट का विवरण",
        "many numbers": "1234567890 " * 20,
        "ports": "ports 21, 22, 25, 53, 80, 110, 143, 443, 465, 587, 993, 995, 3306, 5432, 8080, 8443, 9092, 27017",
        "years": ", ".join(map(str, range(1989, 2027))),
        "days": " ".join(map(str, range(1, 32))),
        "prices": "EUR 9.99, 19.99, 24.50, 5.00, 80.75, 3.40, 12.95, 100.00, 49.00, 7.25, 1.10, 0.99, 15.80",
        "addresses": ", ".join(f"192.0.2.{last}" for last in (80, 75, 3, 4, 20, 0, 137, 80, 78, 71, 13, 10)),
        "an address like a beginning": "80.75.3.4, 198.51.100.7, 203.0.113.9, 192.0.2.1, 198.51.100.8, 203.0.113.10",
        "phone numbers": "+31 20 555 01 23, +49 30 55 50 12 34, +33 1 55 50 12 34, +44 20 7946 09 58, +1 202 555 01 47",
        "timestamps": "2026-11-20T12:00:00Z, 2026-11-20T12:05:10Z, 2026-11-20T12:05:59Z, 2026-11-21T00:00:01Z",
        "versions": "1.2.3, 10.4.12, 2.0.0, 3.11.9, 17.5.1, 0.9.13, 4.22.0, 115.0.2, 8.5.100, 6.1.0, 1.26.4, 2.14.1",
        "object id": "1.3.6.1.4.1.311.21.8.7587021.751874.11030412.6202749.3702260.207.16152204.4102241",
        "mac address": "00:1A:2B:3C:4D:5E",
        "full ipv6": "2001:0db8:85a3:08d3:1319:8a2e:0370:7348",
        "a dialogue of parameters": "https://example.test/s?a=20&b=30=40&c=FF&d=89&page=00&x=AB=CD",
        "bits": "flags 1 0 1 1 0 0 1 0 1 0 0 1 1 1 0 1 0 0 1",
    }.items():
        content = {"source_url": {"url": text}} if "://" in text else {"platform": text}
        yield a_case(name, [a_report(**_PLACED, **content)], [{"removed": [], "outcome": "routed"}])


def _cut(text: str, sign: str) -> str:
    return sign.join(text[begin : begin + 4] for begin in range(0, len(text), 4))


def _caught(name: str, text: str) -> dict[str, object]:
    report = a_report(**_PLACED, memo={"text": text, "language": "und"})
    return a_case(name, [report], [{"removed": [{"contains": "memo"}], "outcome": "routed"}])
