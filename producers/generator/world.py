"""The hidden truth: cases as they are, before anybody looks at them; pure, from one source of chance."""

from enum import StrEnum
from random import Random
from typing import Final

from msgspec import Struct

from producers.generator.parameters import HOSTING, Parameters

_HEAD: Final = 20
_HOSTS: Final = 997
_BURST_LENGTH: Final = 40
"""Reports of one burst."""
_DOCUMENTATION_NETWORKS: Final = ("192.0.2", "198.51.100", "203.0.113")


class Kind(StrEnum):
    """What a case is about."""

    CONTENT = "content"
    GROOMING = "grooming"
    SEXTORTION = "sextortion"
    LIVE_STREAM = "live_stream"


_WITHOUT_URL: Final = {Kind.GROOMING: 96, Kind.SEXTORTION: 3, Kind.LIVE_STREAM: 1}
"""With weights: sextortion and live streams take the urgent lane by themselves, and stay rare."""


class Place(Struct, frozen=True, kw_only=True):
    """Where content lies."""

    country: str
    host: str
    ip_address: str


class Case(Struct, frozen=True, kw_only=True):
    """One true case."""

    number: int
    kind: Kind
    country: str
    host: str
    ip_address: str
    path: str
    sha256: str
    md5: str
    label: str
    """A1 to B2 of the industry scheme."""
    age_band: str
    account: str
    urgent: bool


class World:
    """Makes new cases, and shows old ones again, the popular ones most."""

    def __init__(self, parameters: Parameters, chance: Random) -> None:
        self._parameters = parameters
        self._chance = chance
        self._seen: list[Case] = []
        self._burst: Place | None = None
        self._burst_left = 0

    def next_case(self) -> tuple[Case, bool]:
        """A case, and whether it was seen before."""
        if self._seen and self._chance.random() < self._parameters.known:
            return self._seen[self._popular(len(self._seen))], True
        case = self._new_case()
        if case.kind is Kind.CONTENT:
            self._seen.append(case)
        return case, False

    def _popular(self, count: int) -> int:
        """A rank by a power law whose head is flattened: the first few are the most popular, none of them alone."""
        rank = _HEAD * ((_HEAD + count) / _HEAD) ** self._chance.random() - _HEAD
        return min(count - 1, int(rank))

    def _new_case(self) -> Case:
        chance, parameters = self._chance, self._parameters
        kind = self._kind()
        number = chance.getrandbits(40)
        place = self._place()
        return Case(
            number=number,
            kind=kind,
            country=place.country,
            host=place.host,
            ip_address=place.ip_address,
            path=f"/{chance.getrandbits(32):08x}/{chance.randint(1, 400)}",
            sha256=f"{chance.getrandbits(256):064x}",
            md5=f"{chance.getrandbits(128):032x}",
            label=chance.choices(("A1", "A2", "B1", "B2"), (20, 25, 25, 30))[0],
            age_band=chance.choices(("infant", "prepubescent", "pubescent"), (1, 9, 10))[0],
            account=f"user-{number:010x}",
            urgent=chance.random() < parameters.urgent,
        )

    def _kind(self) -> Kind:
        if self._chance.random() >= self._parameters.without_url:
            return Kind.CONTENT
        return self._chance.choices(list(_WITHOUT_URL), list(_WITHOUT_URL.values()))[0]

    def _place(self) -> Place:
        """One of the known hosts; now and then one of them is hit many times in a row."""
        if self._burst and self._burst_left:
            self._burst_left -= 1
            return self._burst
        place = place_of(self._chance.randrange(_HOSTS))
        if self._chance.random() < self._parameters.burst / _BURST_LENGTH:
            self._burst, self._burst_left = place, _BURST_LENGTH - 1
        return place


def place_of(number: int) -> Place:
    """A host has one country and one address for as long as the world lasts."""
    chance = Random(number)  # noqa: S311  # the same host every time
    return Place(
        country=chance.choices(list(HOSTING), list(HOSTING.values()))[0],
        host=f"host-{number}.example.test",
        ip_address=f"{chance.choice(_DOCUMENTATION_NETWORKS)}.{chance.randint(1, 254)}",
    )
