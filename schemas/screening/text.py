"""The detectors for one text: a rule that it breaks, or none."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from schemas.screening import encodings, spelled
from schemas.screening.magic import MEDIA_RULE, rule_of_bytes

SHORTEST_SUSPECT: Final = encodings.SHORTEST_RUN
LONGEST_START: Final = 32
"""Hexadecimal digits in which the start of a file shows."""
DEEPEST: Final = 4
"""Encodings within encodings that are looked into; deeper ones break a rule of their own."""

BASE64: Final = "firewall.base64"
HEX: Final = "firewall.hex"
BASE32: Final = "firewall.base32"
ASCII85: Final = "firewall.ascii85"
NUMBERS: Final = "firewall.numbers"
DATA_URI: Final = "firewall.data_uri"
NESTED: Final = "firewall.nested"
CONTROL: Final = "firewall.control_characters"
ENCODED_FILE: Final = "firewall.encoded_file"

_DATA_URI: Final = re.compile(r"(?<!\w)data:(?:[\w.+-]{1,64}/[\w.+-]{1,128}|;)[^,\s]{0,256}[,;]", re.IGNORECASE)
_DRAWING: Final = re.compile(r"<svg[\s>]|<img[^>]{0,256}\ssrc", re.IGNORECASE)
_ENCODED_FILE: Final = re.compile(r"=ybegin |\bbegin(?:-base64)? [0-7]{3,4} \S", re.IGNORECASE)
_DELIMITED_85: Final = re.compile(r"<~[!-z\s]{16}")
_MARKS: Final = ((DATA_URI, _DATA_URI), (MEDIA_RULE, _DRAWING), (ENCODED_FILE, _ENCODED_FILE), (ASCII85, _DELIMITED_85))
_HINTS: Final = ("data:", "<", "begin")
"""One of these is in every text that a mark matches."""
_ASCII_STARTS: Final = ("GIF8", "RIFF", "ftyp", "%PDF-", "BZh")
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cs", "Cn"})
_OVERRIDES: Final = frozenset("\u202d\u202e")
_PROSE: Final = re.compile(
    r"(?:(?:[A-Z]?(?:[a-z]|[^\x00-\x7f]){1,40}+|[A-Z]{1,12}+|[0-9]{1,12}+)(?![A-Za-z0-9+/=])|[\s.,;:!?'\"()-]{1,3}+)*+"
)
_ADDRESS: Final = re.compile(r"[A-Za-z0-9:/?&=._~#@+-]*+")
_UUID_CHARACTERS: Final = 36
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_LONG_WORD: Final = re.compile(rf"[A-Za-z0-9]{{{SHORTEST_SUSPECT}}}")
_HEX_PAIRS: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[^0-9A-Za-z]{0,2}x?){12}")
_LINE_CHARACTERS: Final = str.maketrans("", "", "\t\r\n")

_DECODERS: Final = (
    (BASE64, encodings.base64_decodings),
    (HEX, encodings.hex_decodings),
    (BASE32, encodings.base32_decodings),
    (ASCII85, encodings.base85_decodings),
    (NUMBERS, spelled.number_decodings),
)
_OPAQUE: Final = ((BASE64, encodings.opaque_base64), (HEX, encodings.opaque_hex))


def rule_of_text(text: str, *, lines_allowed: bool = False) -> str | None:
    """The rule that this text breaks; None for the texts that reports consist of."""
    if _has_control_characters(text, lines_allowed=lines_allowed):
        return CONTROL
    if len(text) < SHORTEST_SUSPECT:
        return None
    text = encodings.in_plain_signs(text)
    if encodings.is_digest(text):
        return HEX if rule_of_bytes(bytes.fromhex(text[:LONGEST_START])) else None
    return None if _is_ordinary(text) else _rule(text, DEEPEST)


def _is_ordinary(text: str) -> bool:
    """A quick yes for most texts, words or an address without long runs: ten times cheaper than the detectors."""
    if len(text) == _UUID_CHARACTERS and _UUID.fullmatch(text):
        return True
    if _HEX_PAIRS.search(text) or spelled.has_numbers(text):
        return False
    if _PROSE.fullmatch(text):
        return True
    return bool(
        _ADDRESS.fullmatch(text)
        and "data:" not in text.lower()
        and not _LONG_WORD.search(text)
        and not encodings.has_mixed_run(text)
        and not spelled.has_quoted(text)
        and spelled.uncut(text) is text
    )


def _has_control_characters(text: str, *, lines_allowed: bool) -> bool:
    if text.isprintable():
        return False
    looked_at = text.translate(_LINE_CHARACTERS) if lines_allowed else text
    return any(unicodedata.category(letter) in _FORBIDDEN_CATEGORIES or letter in _OVERRIDES for letter in looked_at)


def _rule(text: str, depth: int) -> str | None:
    """Marks first, then what each encoding decodes to, then runs that no detector can read."""
    for version in _versions(text):
        rule = _mark_in(version) or _raw_rule(version) or _decoded_rule(version, depth)
        if rule is not None:
            return rule
    return next((rule for rule, opaque in _OPAQUE if opaque(text)), None)


def _versions(text: str) -> Iterator[str]:
    """The text as it is, with escaped signs decoded, and without what wraps or cuts it; each only where it differs."""
    yield text
    plain = spelled.unquoted(encodings.unescaped(text))
    if plain != text:
        yield plain
    bare = encodings.unwrapped(spelled.uncut(plain))
    if bare != plain:
        yield bare


def _mark_in(text: str) -> str | None:
    small = text.lower()
    if not any(hint in small for hint in _HINTS):
        return None
    return next((rule for rule, pattern in _MARKS if pattern.search(text)), None)


def _raw_rule(text: str) -> str | None:
    """Bytes that were read as Latin-1; in ASCII only few starts of files have no control character."""
    if text.isascii():
        return rule_of_bytes(text.encode()) if any(start in text for start in _ASCII_STARTS) else None
    return rule_of_bytes(text.encode("latin-1", "replace"))


def _decoded_rule(text: str, depth: int) -> str | None:
    for rule, decodings in _DECODERS:
        for data in decodings(text):
            if rule_of_bytes(data) is not None:
                return rule
            inner = encodings.readable(data)
            if inner is not None and len(inner) >= SHORTEST_SUSPECT:
                deeper = NESTED if depth == 0 else _rule(encodings.in_plain_signs(inner), depth - 1)
                if deeper is not None:
                    return rule
    return None
