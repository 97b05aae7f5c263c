"""What is the same content and what is not: addresses, digests, accounts, near hashes (domain facts 1.5, 4; ADR 7)."""

from random import Random
from typing import Any, Final

from tests.evaluation.writing import Family, a_case, a_report, an_item, twice

_CHANCE: Final = Random(4)  # noqa: S311 -- the same cases every time
SHA, OTHER_SHA = _CHANCE.randbytes(32).hex(), _CHANCE.randbytes(32).hex()
SHA512, MD5, SHA1 = _CHANCE.randbytes(64).hex(), _CHANCE.randbytes(16).hex(), _CHANCE.randbytes(20).hex()
_ORDER_OF_BITS: Final = _CHANCE.sample(range(256), 256)
PDQ: Final = _CHANCE.randbytes(32)

PAGE: Final = "https://files.example.test/A/b%20c/1.html?id=7&size=L"
SAME_ADDRESS: Final = (
    "HTTPS://FILES.EXAMPLE.TEST/A/b%20c/1.html?id=7&size=L",
    "https://files.example.test:443/A/b%20c/1.html?id=7&size=L",
    "https://files.example.test/A/b%20c/1.html?id=7&size=L#part",
    "https://files.example.test/A/x/../b%20c/1.html?id=7&size=L",
    "https://files.example.test/A/./b%20c/1.html?id=7&size=L",
    "https://files.example.test/%41/b%20c/1.html?id=7&size=L",
    "https://files.example.test/A/%62%20c/1.html?id=7&size=L",
    "https://files.example.test/A/b%20c/1.html?id=7&size=L&utm_source=mail",
    "https://files.example.test/A/b%20c/1.html?utm_medium=x&id=7&size=L",
    "https://files.example.test/A/b%20c/1.html?id=7&fbclid=abc&size=L",
    "https://files.example.test/A/b%20c/1.html?id=7&size=L&gclid=1&msclkid=2#x",
    "  https://files.example.test/A/b%20c/1.html?id=7&size=L  ",
    "https://files.example.test/A/b%20c/1.html?%69d=7&size=L",
)
OTHER_ADDRESS: Final = (
    "https://files.example.test/a/b%20c/1.html?id=7&size=L",
    "https://files.example.test/A/b%20c/1.html?id=8&size=L",
    "https://files.example.test/A/b%20c/1.html?size=L&id=7",
    "https://files.example.test/A/b%20c/1.html",
    "https://files.example.test/A/b%20c/2.html?id=7&size=L",
    "https://files.example.test/A/b%2520c/1.html?id=7&size=L",
    "http://files.example.test/A/b%20c/1.html?id=7&size=L",
    "https://files.example.test:8443/A/b%20c/1.html?id=7&size=L",
    "https://www.files.example.test/A/b%20c/1.html?id=7&size=L",
    "https://files2.example.test/A/b%20c/1.html?id=7&size=L",
    "https://files.example.test/A/b%2Fc/1.html?id=7&size=L",
    "https://files.example.test/A/b%20c/1.html?id=7&size=L&page=2",
)
OTHER_SPELLINGS: Final = (
    ("https://bücher.example.test/1", "https://xn--bcher-kva.example.test/1"),
    ("https://example.test/ä", "https://example.test/%C3%A4"),
    ("https://example.test/%c3%a4", "https://example.test/%C3%A4"),
    ("https://example.test", "https://example.test/"),
    ("http://example.test:80/1", "http://example.test/1"),
    ("https://EXAMPLE.test/1?", "https://example.test/1?"),
)


def addresses() -> Family:
    """One content under every spelling of its address, and others that only look alike."""
    for number, url in enumerate(SAME_ADDRESS):
        yield twice(f"same address {number}", _at(PAGE), _at(url), _seen("url"))
    for number, url in enumerate(OTHER_ADDRESS):
        yield twice(f"other address {number}", _at(PAGE), _at(url), {"novelty": "new", "links": []})
    for number, (first, second) in enumerate(OTHER_SPELLINGS):
        yield twice(f"spelling {number}", _at(first), _at(second), _seen("url"))


def digests() -> Family:
    """What digests prove alone, together, and against each other."""
    yield twice("sha256 alone", _with(sha256=SHA), _with(sha256=SHA), _seen("sha256"))
    yield twice("sha256 in capitals", _with(sha256=SHA), _with(sha256=SHA.upper()), _seen("sha256"))
    yield twice("sha512 alone", _with(sha512=SHA512), _with(sha512=SHA512), _seen("sha512"))
    yield twice("another sha256", _with(sha256=SHA), _with(sha256=OTHER_SHA), {"novelty": "new", "links": []})
    for name, value in (("md5", MD5), ("sha1", SHA1)):
        yield twice(f"{name} alone", _with(**{name: value}), _with(**{name: value}), _weak(name))
        both = {name: value, "sha256": SHA}
        yield twice(f"{name} and sha256", _with(**both), _with(**both), _seen("sha256"))
        against = _with(**{name: value, "sha256": OTHER_SHA})
        yield twice(f"{name} equal, sha256 not", _with(**both), against, _conflicting(name))
        one_sided = _with(**{name: value})
        yield twice(f"{name} equal, sha256 on one side", _with(**both), one_sided, _weak(name))
    yield twice("md5 and sha1", _with(md5=MD5, sha1=SHA1), _with(md5=MD5, sha1=SHA1), {"novelty": "new"})
    changed = _at(PAGE, sha256=OTHER_SHA)
    yield twice("same address, content changed", _at(PAGE, sha256=SHA), changed, _conflicting("url"))


def kin() -> Family:
    """Reports without address and digest find their kin by accounts and incidents."""
    for kind in ("user_id", "screen_name", "email", "phone"):
        found = {"novelty": "new", "corroboration": 0, "links": [{"report": "plat-a/a", "selector_kind": "account"}]}
        yield twice(f"same {kind}", _account(kind, "u-17"), _account(kind, "u-17"), found)
        yield twice(f"other {kind}", _account(kind, "u-17"), _account(kind, "u-18"), {"links": []})
    yield twice("same incident", _incident("5"), _incident("5"), _seen("incident"))
    yield twice("other incident", _incident("5"), _incident("6"), {"novelty": "new", "links": []})
    weak, account = _with(md5=MD5), _account("user_id", "u-17")
    yield twice("md5 and account", weak | account, weak | account, {"novelty": "seen"})


def corroboration() -> Family:
    """Distinct members count, each once; what was taken back does not."""
    reports = [a_report(f"r-{number}", member, **_at(PAGE)) for number, member in enumerate(_MEMBERS)]
    counts = [{"corroboration": number} for number in range(len(_MEMBERS))]
    yield a_case("each further member counts", reports, counts)
    own = [a_report("r-1", **_at(PAGE)), a_report("r-2", **_at(PAGE)), a_report("r-3", "ngo-b", **_at(PAGE))]
    yield a_case("oneself does not count", own, [{}, {"corroboration": 0, "novelty": "seen"}, {"corroboration": 1}])
    back = [
        a_report("r-1", **_at(PAGE)),
        {"submitter": "plat-a", "withdraw": "r-1"},
        a_report("r-2", "ngo-b", **_at(PAGE)),
    ]
    told = {"corroboration": 0, "links": [{"report": "plat-a/r-1", "state": "retracted"}]}
    yield a_case("what was taken back does not count", back, [{}, {"outcome": "withdrawn"}, told])
    yield a_case("sent again", [a_report(**_at(PAGE)), a_report(**_at(PAGE))], [{}, {"novelty": "resubmission"}])
    later = a_report(revision=2, platform="Corrected", **_at(PAGE))
    yield a_case("a revision", [a_report(**_at(PAGE)), later], [{}, {"novelty": "revision", "outcome": "routed"}])
    stale = [a_report(revision=2, **_at(PAGE)), a_report(revision=1, platform="Old", **_at(PAGE))]
    yield a_case("an older revision", stale, [{}, {"outcome": "stale"}])


_MEMBERS: Final = ("plat-a", "ngo-b", "nl-hotline", "fr-hotline", "gb-hotline")


def near() -> Family:
    """Every distance up to the limit is found and none above it; a poor hash finds nothing (domain facts 4)."""
    for distance in range(41):
        link = [{"selector_kind": "pdq", "distance": distance, "weak": False}] if distance <= 31 else []
        expect = {"novelty": "new", "corroboration": 0, "links": link}
        yield twice(f"distance {distance}", _pdq(0), _pdq(distance), expect)
    for quality, is_found in ((0, False), (49, False), (50, True), (100, True)):
        link = [{"selector_kind": "pdq"}] if is_found else []
        yield twice(f"quality {quality}", _pdq(0), _pdq(3, quality=quality), {"links": link})
    chained = [a_report(f"r-{n}", member, **_pdq(20 * n)) for n, member in enumerate(("plat-a", "ngo-b", "nl-hotline"))]
    only = {"links": {"exactly": [{"report": "ngo-b/r-1", "distance": 20}]}}
    yield a_case("near is not chained", chained, [{}, {"links": [{"report": "plat-a/r-0"}]}, only])


def _seen(kind: str) -> dict[str, Any]:
    links = [{"report": "plat-a/a", "selector_kind": kind, "weak": False, "conflicting": False}]
    return {"novelty": "seen", "corroboration": 1, "links": links}


def _weak(kind: str) -> dict[str, Any]:
    links = [{"selector_kind": kind, "weak": True, "conflicting": False}]
    return {"novelty": "new", "corroboration": 0, "links": links}


def _conflicting(kind: str) -> dict[str, Any]:
    told = {"nl-hotline": ["conflicting_reports"], "nl-police": ["conflicting_reports"]}
    link = {"selector_kind": kind, "conflicting": True}
    return {"novelty": "new", "corroboration": 0, "links": [link], "released": told}


def _at(url: str, **hashes: str) -> dict[str, Any]:
    return {"items": [an_item(url=url, hashes=_hashes(hashes))]}


def _with(**hashes: str) -> dict[str, Any]:
    return {"items": [an_item(hashes=_hashes(hashes))]}


def _hashes(stated: dict[str, str]) -> list[dict[str, str]]:
    return [{"algorithm": name, "value": value} for name, value in stated.items()]


def _account(kind: str, value: str) -> dict[str, Any]:
    account = {"role": "suspect", "platform": "Simulated Chat", "kind": kind, "value": value}
    return {"incident_types": ["grooming"], "personal": {"accounts": [account]}}


def _incident(number: str) -> dict[str, Any]:
    return {"incident_types": ["grooming"], "external_ids": {"ncmec": number}}


def _pdq(turned: int, quality: int = 90) -> dict[str, Any]:
    bits = sum(1 << bit for bit in _ORDER_OF_BITS[:turned])
    value = (int.from_bytes(PDQ) ^ bits).to_bytes(32).hex()
    return {"items": [an_item(hashes=[{"algorithm": "pdq", "value": value, "quality": quality}])]}
