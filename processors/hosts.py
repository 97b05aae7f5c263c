"""What the name of a host says: the part that somebody registered, and the country code at its end; pure."""

from functools import lru_cache
from typing import Final

import ada_url
from publicsuffixlist import PublicSuffixList

_TWO_LETTERS: Final = 2
_ISO_OF_DOMAIN: Final = {"uk": "GB", "eu": "", "su": "", "ac": "", "tp": ""}
"""Where the top-level domain is not the ISO 3166 code: GB's is uk, and some stand for no country."""


def registrable_domain(url: str) -> str:
    """The name that somebody registered (public suffix list, its registries' part); empty for an address."""
    return _suffixes().privatesuffix(_host_of(url)) or ""


@lru_cache(maxsize=10_000)
def country_code_of(url: str) -> str:
    """The country code at the end of the host's name as ISO 3166 writes it, or nothing.

    Whoever registered a name under it need not be there: weak evidence.
    """
    host = _host_of(url)
    last = host.rpartition(".")[2]
    if len(last) != _TWO_LETTERS or not last.isalpha() or not _suffixes().privatesuffix(host):
        return ""
    return _ISO_OF_DOMAIN.get(last, last.upper())


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(only_icann=True, accept_unknown=False)


def _host_of(url: str) -> str:
    try:
        return str(ada_url.parse_url(url, ("hostname",))["hostname"])
    except ValueError:
        return ""
