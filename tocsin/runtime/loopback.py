"""Which hosts are this machine itself: nobody else is on the line."""

from ipaddress import ip_address
from typing import Final

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""As an address of ours names it: HTTP may be spoken in plain to these."""


def is_loopback(host: str) -> bool:
    """Whether what listens at this host, or is reached there, is heard by this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK
