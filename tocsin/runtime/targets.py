"""Which address a process serves, told to a Prometheus beside it: a file of its own for each (ADR 0025)."""

import json
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from schemas.catalogue import message
from tocsin.runtime.failures import Broken

_NOT_IN_A_NAME: Final = re.compile(r"[^0-9A-Za-z.]+")
_EVERYBODY_READS: Final = 0o644
"""An address is no secret, and a Prometheus has a user of its own."""


def announce(folder: Path, host: str, port: int, *, is_tls: bool) -> Path:
    """Write the file that `file_sd_configs` reads, named by its address; raises Broken where that cannot be.

    Who closes the port takes it away. After a SIGKILL it stays: what should be served and is not is to be seen.
    """
    address = f"{_reached_at(host)}:{port}"
    target = {"targets": [address], "labels": {"__scheme__": "https"} if is_tls else {}}
    file = folder / f"{_NOT_IN_A_NAME.sub('-', address).strip('-')}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _put(file, json.dumps([target]).encode())
    except OSError as error:
        raise Broken(
            message("endpoint.targets", folder=str(folder), reason=error.strerror or "no reason"),
            code="endpoint.targets",
        ) from error
    return file


@contextmanager
def announced(folder: Path | None, host: str, port: int, *, is_tls: bool) -> Iterator[None]:
    """The same for as long as this block runs; no folder, no file."""
    file = announce(folder, host, port, is_tls=is_tls) if folder else None
    try:
        yield
    finally:
        if file:
            file.unlink(missing_ok=True)


def _reached_at(host: str) -> str:
    """From this machine: who listens everywhere is reached on loopback; a colon of IPv6 is none of a port."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        address = ip_address("127.0.0.1" if address.version == 4 else "::1")  # noqa: PLR2004 -- the version of IP
    return str(address) if address.version == 4 else f"[{address}]"  # noqa: PLR2004 -- as above


def _put(file: Path, content: bytes) -> None:
    """In one step: Prometheus reads it whenever it likes, and nothing that does not end with .json."""
    draft = file.with_name(f".{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _EVERYBODY_READS), "wb") as written:
        os.fchmod(written.fileno(), _EVERYBODY_READS)  # whatever the umask of a unit is
        written.write(content)
    draft.replace(file)
