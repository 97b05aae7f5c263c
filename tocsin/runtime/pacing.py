"""How many requests an HTTP port answers: to each caller its own share, and to all of them together a bound."""

import ipaddress
import threading
from collections import OrderedDict
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

MOST_CALLERS: Final = 1_024
"""Whoever asked least lately is forgotten: to be remembered again costs as many addresses as this."""
_LONGEST_NAME: Final = 64
_NETWORK_BITS: Final = 64
"""Of IPv6, because one machine has as many addresses as it likes below that."""


class Pace(Struct, kw_only=True):
    """A bucket that fills steadily and holds what may come at once."""

    per_second: float
    at_once: float
    left: float
    at_seconds: float = 0.0

    def wait_seconds(self, now_seconds: float) -> float:
        """Zero where one more is answered, which is then counted; else how long until one is."""
        gained = max(0.0, now_seconds - self.at_seconds) * self.per_second
        self.left, self.at_seconds = min(self.at_once, self.left + gained), now_seconds
        if self.left < 1:
            return (1 - self.left) / self.per_second
        self.left -= 1
        return 0.0


def pace(per_second: float, at_once: float) -> Pace:
    """A bucket that is full."""
    return Pace(per_second=per_second, at_once=at_once, left=at_once)


class Callers:
    """The paces of one port, for any number of threads: who exceeds its own takes nothing from the others."""

    def __init__(self, each: Pace, together: Pace) -> None:
        self._each = each
        self._together = together
        self._known: OrderedDict[str, Pace] = OrderedDict()
        self._lock = threading.Lock()

    def wait_seconds(self, address: str, now_seconds: float) -> float:
        """Zero where this caller is answered now; else how long it has to wait."""
        with self._lock:
            own = self._pace_of(caller_of(address), now_seconds)
            return own.wait_seconds(now_seconds) or self._together.wait_seconds(now_seconds)

    def _pace_of(self, caller: str, now_seconds: float) -> Pace:
        own = self._known.pop(caller, None) or replace(self._each, at_seconds=now_seconds)
        self._known[caller] = own
        if len(self._known) > MOST_CALLERS:
            self._known.popitem(last=False)
        return own

    def remembered(self) -> int:
        """How many callers there is a pace for."""
        return len(self._known)


def caller_of(address: str) -> str:
    """An address, or the network that one machine may choose from; what is no address is a caller by its words."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:_LONGEST_NAME]
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.ip_network((found, _NETWORK_BITS), strict=False))
    return str(found)
