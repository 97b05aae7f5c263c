"""Bytes that hide in text: what base64, hexadecimal, base32 and base85 runs decode to, in linear time."""

import base64
import binascii
import re
from collections.abc import Iterator
from string import ascii_letters, digits
from typing import Final
from urllib.parse import unquote_to_bytes

SHORTEST_RUN: Final = 24
"""Characters; fewer hold no picture."""
LONGEST_OPAQUE_RUN: Final = 400
"""Characters of base64 in plain text that no detector can read: an RSA signature has 342."""
LONGEST_OPAQUE_RUN_IN_URL: Final = 2_048
"""The same within a URL, whose signed tokens are longer."""
LONGEST_HEX_RUN: Final = 288
"""Hexadecimal digits of the longest digest, PhotoDNA."""

HASH_LENGTHS: Final = frozenset({32, 40, 56, 64, 96, 128, LONGEST_HEX_RUN})

_BASE64_RUN: Final = re.compile(rf"[A-Za-z0-9+/_-]{{{SHORTEST_RUN},}}")
_BASE32_RUN: Final = re.compile(rf"[A-Z2-7]{{{SHORTEST_RUN},}}|[a-z2-7]{{{SHORTEST_RUN},}}")
_HEX_RUN: Final = re.compile(rf"[0-9A-Fa-f]{{{SHORTEST_RUN},}}")
_HEX_ONLY: Final = re.compile(r"[0-9A-Fa-f]+")
_TOKEN: Final = re.compile(rf"[!-~]{{{SHORTEST_RUN},}}")
_BASE64_TOKEN: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_REFERENCE: Final = re.compile(r"&#(?:([0-9]{1,7})|[xX]([0-9A-Fa-f]{1,6}));?")
_LAST_BYTE: Final = 0xFF
_FULL_WIDTH_RUN: Final = re.compile(rf"[\uff01-\uff5e]{{{SHORTEST_RUN}}}")
_HALVES: Final = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
_WORD: Final = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]+)(?:[-/_](?:[A-Z]?[a-z]+|[A-Z]+|[0-9]+))*")
_STANDARD: Final = str.maketrans("-_", "+/")
_HEX_WRAPPING: Final = str.maketrans("", "", " \t\r\n:,;-%{}[]()'\"")
_WRAPPING: Final = str.maketrans("", "", " \t\r\n\\\"',;|<>*`\u00ad\u200b\u200c\u200d\u2060\ufeff")
_READABLE: Final = frozenset(range(0x20, 0x7F)) | frozenset(b"\t\r\n")
_READABLE_BYTES: Final = bytes(sorted(_READABLE))
_UPPER: Final = re.compile(r"[A-Z]")
_LOWER: Final = re.compile(r"[g-z]")
_COMMON: Final = str.maketrans("", "", ascii_letters + digits + "/.:?&=%+-_,")
_FEWEST_SIGNS: Final = 4
"""Signs that neither words nor URLs have; base85 has them everywhere."""
_BASE85_LIKE: Final = (base64.a85decode, base64.b85decode)


def unescaped(text: str) -> str:
    """The text with percent signs decoded, byte for byte."""
    return unquote_to_bytes(text).decode("latin-1") if "%" in text else text


def in_plain_signs(text: str) -> str:
    """The text as whoever copies it reads it: numbered character references and long runs of full width resolved."""
    plain = _REFERENCE.sub(_referred, text) if "&#" in text else text
    if plain.isascii() or not _FULL_WIDTH_RUN.search(plain):
        return plain
    return plain.translate(_HALVES)


def _referred(found: re.Match[str]) -> str:
    """A byte or a letter; what is neither stays as it is written."""
    number = int(found[1], 10) if found[1] else int(found[2], 16)
    return chr(number) if number <= _LAST_BYTE else found[0]


def unwrapped(text: str) -> str:
    """The text without white space, quotes and what else is put between the lines of an encoded file."""
    return text.translate(_WRAPPING)


def is_digest(text: str) -> bool:
    """Whether the text is hexadecimal and as long as a known digest."""
    return len(text) in HASH_LENGTHS and _HEX_ONLY.fullmatch(text) is not None


def base64_decodings(text: str) -> Iterator[bytes]:
    """What every long run decodes to, at each of the four places where a group of characters can start.

    Only runs of both cases, beyond F: words, paths and hexadecimal have one, and every known start of a file has two.
    """
    for found in _BASE64_RUN.finditer(text):
        run = found.group()
        if not _is_mixed(run):
            continue
        run = run.translate(_STANDARD)
        for start in range(4):
            groups = (len(run) - start) // 4
            yield binascii.a2b_base64(run[start : start + groups * 4])


def hex_decodings(text: str) -> Iterator[bytes]:
    """What every long run of hexadecimal digits decodes to, with and without what is put between bytes."""
    bare = text.replace("\\x", "").replace("0x", "").translate(_HEX_WRAPPING)
    for version in {text, bare}:
        for found in _HEX_RUN.finditer(version):
            run = found.group()
            for start in range(2):
                yield binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2])


def base32_decodings(text: str) -> Iterator[bytes]:
    """What every long run of base32 decodes to from its start."""
    for found in _BASE32_RUN.finditer(text):
        run = found.group()
        yield base64.b32decode(run[: len(run) // 8 * 8], casefold=True)


def base85_decodings(text: str) -> Iterator[bytes]:
    """What every long token decodes to as base85 or ASCII 85 from its start; most tokens are neither."""
    for found in _TOKEN.finditer(text):
        if len(found.group().translate(_COMMON)) < _FEWEST_SIGNS:
            continue
        token = found.group().removeprefix("<~").partition("~>")[0]
        for decode in _BASE85_LIKE:
            try:
                yield decode(token[: len(token) // 5 * 5])
            except ValueError:
                continue


def has_mixed_run(text: str) -> bool:
    """Whether a long run of the base64 alphabet has both cases."""
    if text.islower():
        return False
    first = _BASE64_RUN.search(text)  # most texts have none, and a search is cheaper than a walk
    return first is not None and any(_is_mixed(found.group()) for found in _BASE64_RUN.finditer(text, first.start()))


def _is_mixed(run: str) -> bool:
    return bool(_LOWER.search(run) and _UPPER.search(run))


def opaque_base64(text: str) -> bool:
    """Whether a run is too long for a token and reads as nothing: an encrypted or headless file."""
    longest = LONGEST_OPAQUE_RUN_IN_URL if "://" in text else LONGEST_OPAQUE_RUN
    if len(text) < longest:
        return False
    runs = [found.group() for found in _BASE64_RUN.finditer(text)]
    return any(len(run) > longest and _is_opaque(run) for run in [*runs, *_wrapped_runs(text)])


def opaque_hex(text: str) -> bool:
    """Whether a run of hexadecimal digits is longer than any digest."""
    return len(text) > LONGEST_HEX_RUN and any(
        len(found.group()) > LONGEST_HEX_RUN for found in _HEX_RUN.finditer(text)
    )


def readable(data: bytes) -> str | None:
    """The text that these bytes are, where they are plain ASCII."""
    return data.decode("ascii") if data and not data.translate(None, _READABLE_BYTES) else None


def _is_opaque(run: str) -> bool:
    if _WORD.fullmatch(run):
        return False
    first = run.translate(_STANDARD)[: len(run) // 4 * 4]
    return readable(binascii.a2b_base64(first)) is None


def _wrapped_runs(text: str) -> Iterator[str]:
    """Neighbouring tokens that look encoded, joined: the lines of a wrapped file, but neither words nor digests."""
    joined: list[str] = []
    for token in text.split():
        if _BASE64_TOKEN.fullmatch(token) and not _WORD.fullmatch(token) and not is_digest(token):
            joined.append(token.rstrip("="))
        else:
            yield "".join(joined)
            joined = []
    yield "".join(joined)
