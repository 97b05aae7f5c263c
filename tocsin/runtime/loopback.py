"""Which hosts are this machine itself: nobody else is on the line; and by which name a browser was led to one."""

import re
from collections.abc import Collection, Iterable
from ipaddress import ip_address
from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""As an address of ours names it: HTTP may be spoken in plain to these."""
CALLED: Final = LOOPBACK - {"::1"} | {"[::1]"}
"""As a Host header names it."""
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]+)(:[0-9]*)?")


def is_loopback(host: str) -> bool:
    """Whether what listens at this host, or is reached there, is heard by this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def is_called(hosts: Iterable[str], names: Collection[str]) -> bool:
    """Whether each Host header of a request has one of these names, with whatever port.

    A page of a stranger whose name was made to lead here (DNS rebinding) comes with the stranger's name: a browser
    always says one, and a client that says none is no browser.
    """
    return all((found := _HOST.fullmatch(host.lower())) is not None and found[1] in names for host in hosts)
