"""Which country an IP address is in, by an offline file that the operator supplies; never by asking anybody."""

import ipaddress
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from schemas.failures import Broken
from schemas.records.identifiers import CountryCode

FILE: Final = "networks.mmdb"
CountryOf = Callable[[str], CountryCode]
"""The country of an address, or nothing where the file does not know it or the text is no address."""


def networks(folder: Path) -> CountryOf:
    """The look-up of a bundle; without a file every address is unknown. Raises Broken for a file that is none."""
    file = folder / FILE
    if not file.exists():
        return lambda _: CountryCode("")
    try:
        import maxminddb  # noqa: PLC0415 -- only whoever triages needs it
    except ModuleNotFoundError:
        return lambda _: CountryCode("")
    try:
        reader = maxminddb.open_database(str(file), maxminddb.MODE_MEMORY)
    except (maxminddb.InvalidDatabaseError, OSError) as error:
        raise Broken(
            f"{FILE} is a country database in MaxMind's format, found something else. Replace it in the bundle.",
            code="policy.networks",
        ) from error
    return _cached(reader)


def _cached(reader: Any) -> CountryOf:
    @lru_cache(maxsize=100_000)
    def country_of(address: str) -> CountryCode:
        try:
            found = reader.get(ipaddress.ip_address(address))
        except ValueError:
            return CountryCode("")
        country = found.get("country", {}) if isinstance(found, dict) else {}
        return CountryCode(str(country.get("iso_code", "")).upper())

    return country_of
