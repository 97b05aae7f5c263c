"""The hidden truth: cases as they are, before anybody looks at them; pure, from one source of chance."""

from enum import StrEnum
from random import Random
from typing import Final

from msgspec import Struct

from producers.generator.parameters import HOSTING, Parameters

_ZIPF: Final = 0.8
_DOCUMENTATION_NETWORKS: Final = ("192.0.2", "198.51.100", "203.0.113")


class Kind(StrEnum):
    """What a case is about."""

    CONTENT = "content"
    GROOMING = "grooming"
    SEXTORTION = "sextortion"
    LIVE_STREAM = "live_stream"


_WITHOUT_URL: Final = (Kind.GROOMING, Kind.SEXTORTION, Kind.LIVE_STREAM)
_GATED: Final = frozenset({Kind.SEXTORTION, Kind.LIVE_STREAM})


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
        self._burst_host = ""

    def next_case(self) -> tuple[Case, bool]:
        """A case, and whether it was seen before."""
        contents = self._seen
        if contents and self._chance.random() < self._parameters.known:
            rank = int(len(contents) * self._chance.random() ** (1 / (1 - _ZIPF)))
            return contents[min(rank, len(contents) - 1)], True
        case = self._new_case()
        if case.kind is Kind.CONTENT:
            self._seen.append(case)
        return case, False

    def _new_case(self) -> Case:
        chance, parameters = self._chance, self._parameters
        kind = chance.choice(_WITHOUT_URL) if chance.random() < parameters.without_url else Kind.CONTENT
        number = chance.getrandbits(40)
        return Case(
            number=number,
            kind=kind,
            country=chance.choices(list(HOSTING), list(HOSTING.values()))[0],
            host=self._host(number),
            ip_address=f"{chance.choice(_DOCUMENTATION_NETWORKS)}.{chance.randint(1, 254)}",
            path=f"/{chance.getrandbits(32):08x}/{chance.randint(1, 400)}",
            sha256=f"{chance.getrandbits(256):064x}",
            md5=f"{chance.getrandbits(128):032x}",
            label=chance.choices(("A1", "A2", "B1", "B2"), (20, 25, 25, 30))[0],
            age_band=chance.choices(("infant", "prepubescent", "pubescent"), (1, 9, 10))[0],
            account=f"user-{number % 100_000:05d}",
            urgent=chance.random() < parameters.urgent or (kind in _GATED and chance.random() < parameters.urgent * 2),
        )

    def _host(self, number: int) -> str:
        if not self._burst_host or self._chance.random() > self._parameters.burst:
            host = f"host-{number % 997}.example.test"
            self._burst_host = self._burst_host or host
            return host
        return self._burst_host
