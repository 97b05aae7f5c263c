"""Where a webhook may go: to no address of this machine or its network, unless that was asked for.

A name is looked up once for each request, each address is judged, and the connection goes to one that was judged: a
name that is answered otherwise a moment later (DNS rebinding) leads nowhere else.
"""

import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from consumers.sinks.port import Away
from schemas.catalogue import message
from schemas.failures import Broken
from tocsin.runtime.loopback import LOOPBACK

Address = IPv4Address | IPv6Address
Resolve = Callable[[str], tuple[str, ...]]
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv6 addresses that a network turns into the IPv4 address of their last 32 bits (RFC 6052)."""
_IPV4_BITS: Final = 0xFFFFFFFF


class Reach(Struct, frozen=True, kw_only=True):
    """Where a member's settings let one webhook go beside public addresses; by default nowhere."""

    private_network: bool = False
    """To addresses of a private network."""
    this_machine: bool = False
    """To `localhost`, `127.0.0.1` and `::1`, written so: no other name or address leads to this machine."""


class Destination(Struct, frozen=True, kw_only=True):
    """One request's address, with the name that its certificate must have."""

    url: str
    host: str
    """What the Host header says: the name, and the port where the address has one."""
    server_name: str


def addresses_of(name: str) -> tuple[str, ...]:
    """What the machine's own resolver answers; none where there is no such name."""
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def require_safe(url: str, reach: Reach) -> None:
    """Raise Broken where the settings name an address that no webhook may have, or not with these settings."""
    parts = urlsplit(url)
    literal = _literal(parts)
    if parts.hostname in LOOPBACK:
        if not reach.this_machine:
            raise Broken(message("delivery.this_machine"), code="delivery.this_machine")
    elif literal and not may_go_to(literal, private_network=reach.private_network):
        raise Broken(
            "An https sink goes to a public address, found one that is not. Give the receiver a public address, or, "
            "if it is on your own network, set private_network = true in the member's delivery file.",
            code="delivery.settings",
        )
    if not (parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)):
        raise Broken(
            f"An https sink has an https address (http on this machine only), found '{parts.scheme}'. "
            "Correct the member's delivery file.",
            code="delivery.settings",
        )


def destination(url: str, resolve: Resolve, reach: Reach) -> Destination:
    """The address to connect to; raises Away where the name leads nowhere, or only where no webhook may go."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    literal = _literal(parts)
    if reach.this_machine and name in LOOPBACK:
        return Destination(url=url, host=parts.netloc, server_name=name)
    found = (literal,) if literal else tuple(ip_address(one) for one in resolve(name))
    allowed = [one for one in found if may_go_to(one, private_network=reach.private_network)]
    if not allowed:
        raise Away(message("sink.forbidden_address"), code="sink.forbidden_address")
    return Destination(url=_at(parts, str(allowed[0])), host=parts.netloc, server_name=name)


def may_go_to(address: Address, *, private_network: bool) -> bool:
    """Public addresses; those of a private network where that was asked for; never this machine's or its link's."""
    inner = _inner(address)
    if inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        return False
    return inner.is_global or (private_network and inner.is_private and not inner.is_reserved)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv4Address):
        return address
    if address in _TRANSLATED:
        return IPv4Address(int(address) & _IPV4_BITS)
    return address.ipv4_mapped or address.sixtofour or address


def _literal(parts: SplitResult) -> Address | None:
    try:
        return ip_address(parts.hostname or "")
    except ValueError:
        return None


def _at(parts: SplitResult, address: str) -> str:
    bracketed = f"[{address}]" if ":" in address else address
    return parts._replace(netloc=bracketed if parts.port is None else f"{bracketed}:{parts.port}").geturl()
