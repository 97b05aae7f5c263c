"""The options of commands that serve HTTP on loopback: with a pair of files they speak TLS alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import click

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def TLS(command: Callable[..., Any]) -> Callable[..., Any]:  # noqa: N802 -- stands among options
    """Certificate and key, or neither."""
    certificate = click.option("--certificate", type=_FILE, help="Speak TLS with this certificate (PEM), and no plain.")
    key = click.option("--key", type=_FILE, help="Its private key, which you alone can read.")
    return certificate(key(command))


class Pair(NamedTuple):
    """What a server shows, or nothing twice: it speaks plain HTTP then, on loopback."""

    certificate: Path | None
    key: Path | None

    @property
    def scheme(self) -> str:
        """Of the address at which it is reached."""
        return "https" if self.certificate else "http"


def pair_of(certificate: Path | None, key: Path | None) -> Pair:
    """Usage error for one without the other."""
    if bool(key) != bool(certificate):
        raise click.UsageError("--certificate and --key go together.")
    return Pair(certificate, key)
