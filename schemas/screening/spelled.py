"""Bytes that hide in text as numbers, as quoted signs, or cut into even pieces, in linear time."""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

FEWEST_NUMBERS: Final = 16
"""Shorter lists of numbers hold no file: ports, years, addresses, scores."""
_MORE: Final = FEWEST_NUMBERS - 1
_NUMBERS: Final = re.compile(
    r"[0-9](?<![0-9]{2})[0-9]{0,7}+"  # begins with one set of signs, which the engine skips to
    rf"(?:(?:[^0-9A-Za-z.]{{1,3}}+(?:0[bBdDoO])?+[0-9]{{1,8}}+){{{_MORE},}}+|(?:\.[0-9]{{1,8}}+){{{_MORE},}}+)"
)
"""Dots part numbers only where nothing else does: a list of IPv4 addresses is none of bytes."""
_VALUE: Final = re.compile(r"(?:0[bBdDoO])?+([0-9]++)")
_DIGITS: Final = {10: frozenset("0123456789"), 8: frozenset("01234567"), 2: frozenset("01")}
_LAST_BYTE: Final = 0xFF
_QUOTED: Final = re.compile(r"=([0-9A-Fa-f]{2})")
_QUOTED_TWICE: Final = re.compile(r"(?:=[0-9A-Fa-f]{2}){2}")
_SOFT_BREAK: Final = re.compile(r"=[ \t]{0,8}\r?\n")
_CUTS: Final = ".:-_"
_FEWEST_CUTS: Final = 5
_LONGEST_PIECE: Final = 24


def has_numbers(text: str) -> bool:
    """Whether a list of numbers is long enough to hold the start of a file."""
    return _NUMBERS.search(text) is not None


def number_decodings(text: str) -> Iterator[bytes]:
    """What every long list of numbers is as bytes, read as decimal, octal and binary numbers."""
    for found in _NUMBERS.finditer(text):
        values = _VALUE.findall(found.group())
        for radix, allowed in _DIGITS.items():
            numbers = (int(value, radix) for value in values if allowed.issuperset(value))
            yield bytes(number for number in numbers if number <= _LAST_BYTE)


def has_quoted(text: str) -> bool:
    """Whether two signs in a row are quoted as in a mail."""
    return "=" in text and _QUOTED_TWICE.search(text) is not None


def unquoted(text: str) -> str:
    """The text with quoted-printable signs decoded, byte for byte, and its soft line breaks taken out."""
    if not has_quoted(text):
        return text
    return _QUOTED.sub(lambda found: chr(int(found[1], 16)), _SOFT_BREAK.sub("", text))


def uncut(text: str) -> str:
    """The text without the sign that cuts it into pieces of one length."""
    for sign in _CUTS:
        if text.count(sign) >= _FEWEST_CUTS and _is_even(text.split(sign)):
            return text.replace(sign, "")
    return text


def _is_even(pieces: list[str]) -> bool:
    runs = ((length, sum(1 for _ in run)) for length, run in groupby(map(len, pieces)))
    return any(0 < length < _LONGEST_PIECE and count >= _FEWEST_CUTS for length, count in runs)
