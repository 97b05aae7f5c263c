"""The option of every long-running command that says where it serves, and what it changes in the settings."""

from pathlib import Path

import click
from msgspec.structs import replace

from tocsin.runtime.settings import Settings, load

metrics_port = click.option(
    "--metrics-port",
    "port",
    type=click.IntRange(0, 65_535),
    help="Serve /metrics, /live and /ready here; 0 for nowhere. By default as the settings say.",
)
"""Two processes of one settings file, such as both lanes, cannot share a port."""


def settings_at(home: Path, principal: str, port: int | None) -> Settings:
    """The settings of a principal, with the port that was asked for."""
    found = load(home / "config" / f"{principal}.toml")
    return found if port is None else replace(found, metrics_port=port)
