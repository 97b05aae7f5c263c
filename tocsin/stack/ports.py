"""Loopback ports that a home keeps: below the ephemeral range, so that no outgoing connection can take them."""

import errno
import json
import socket
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from schemas.failures import Broken
from tocsin.stack.files import write_whole
from tocsin.stack.jars import cache_folder
from tocsin.stack.port_claims import claims

_USUAL: Final = 20000
_UNPRIVILEGED: Final = 1025
_ENOUGH: Final = 1000
_LET_GO_SECONDS: Final = 5.0
_POLL_SECONDS: Final = 0.05
_EPHEMERAL_RANGE: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_EPHEMERAL_DEFAULT: Final = 32768
_FILE: Final = "ports.json"


def ports_of(home: Path, names: Sequence[str]) -> dict[str, int]:
    """The ports of this home by name; chosen once, remembered, the same ever after, and no other home's."""
    known = known_ports(home)
    with claims(cache_folder()) as claimed:
        free = _free_ports(seed=hash(str(home.resolve())), taken={*known.values(), *claimed})
        for name in names:
            if name not in known:
                known[name] = next(free)
        write_whole(home / _FILE, json.dumps(known, indent=1).encode())
        claimed.update(dict.fromkeys(known.values(), str(home.resolve())))
    return {name: known[name] for name in names}


def known_ports(home: Path) -> dict[str, int]:
    """Those that were chosen before."""
    file = home / _FILE
    known: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
    return known


def require_free(name: str, port: int) -> None:
    """Raise Broken where another program has the port; a server of ours that was just killed is given a moment."""
    deadline = time.monotonic() + _LET_GO_SECONDS
    while not _is_free(port):
        if time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            continue
        raise Broken(
            f"Port {port} of {name} is in use by another program. End that program, or delete ports.json in the home "
            "while the stack is down, so that others are chosen.",
            code="stack.port_in_use",
        )


def _free_ports(seed: int, taken: set[int]) -> Iterator[int]:
    lowest, highest = window(_ephemeral_start())
    span = highest - lowest
    for step in range(span):
        port = lowest + (seed + step * 7919) % span  # a prime: homes spread instead of racing for neighbours
        if port not in taken and _is_free(port):
            taken.add(port)
            yield port
    raise Broken(f"No free port between {lowest} and {highest} on loopback.", code="stack.no_port")


def window(ephemeral_start: int) -> tuple[int, int]:
    """Where ports are looked for: below the ephemeral range, and where that leaves nothing, where it usually is not."""
    for lowest in (_USUAL, _UNPRIVILEGED):
        if ephemeral_start - lowest >= _ENOUGH:
            return lowest, ephemeral_start
    return _USUAL, _EPHEMERAL_DEFAULT


def _ephemeral_start() -> int:
    try:
        return int(_EPHEMERAL_RANGE.read_text().split()[0])
    except (OSError, ValueError):
        return _EPHEMERAL_DEFAULT


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True
