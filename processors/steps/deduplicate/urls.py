"""One spelling for every address: as a WHATWG parser writes it, without what only follows its visitors; pure."""

import re
from collections.abc import Callable
from string import ascii_letters, digits
from typing import Final

import ada_url

LONGEST_URL: Final = 8_192
IsTracking = Callable[[str], bool]
"""Whether a parameter of that name says nothing of the content; policy/identity.toml lists them."""

_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset(f"{ascii_letters}{digits}-._~")


def canonical_url(url: str, is_tracking: IsTracking = lambda _: False) -> str:
    """Host in lower case and punycode, no default port, dot segment, fragment or tracking parameter; the path's case
    is kept and each escape has one spelling. The text as it stands where it is no URL.
    """
    try:
        normal = str(ada_url.normalize_url(url)).partition("#")[0]  # as written by the parser, the first # is the mark
    except ValueError:
        return url.strip()
    kept = _without_tracking(normal, is_tracking)
    return _ESCAPE.sub(_one_spelling, kept) if "%" in kept else kept


def _without_tracking(url: str, is_tracking: IsTracking) -> str:
    """Order and spelling of the other parameters stay: a server may tell them apart."""
    address, mark, query = url.partition("?")
    if not mark:
        return url
    kept = [pair for pair in query.split("&") if not is_tracking(pair.partition("=")[0])]
    if len(kept) == query.count("&") + 1:
        return url
    return f"{address}?{'&'.join(kept)}" if kept else address


def _one_spelling(escape: re.Match[str]) -> str:
    """Characters that never need an escape lose it (RFC 3986, 6.2.2.2), the others are written in capitals."""
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0].upper()
