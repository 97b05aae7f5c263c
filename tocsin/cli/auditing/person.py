"""Who looks at something and why: every command that shows a case to a person asks for both, and the log keeps them."""

import getpass
import time
from typing import Final

import click
from sqlalchemy import Connection

from tocsin.runtime.audit.recording import record_reading
from tocsin.runtime.audit.statements import Reading

NOT_STATED: Final = "not stated"


def _login() -> str:
    """Of whoever runs the command, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


BY = click.option(
    "--by", "by", envvar="TOCSIN_BY", default=_login, help="Your name; by default your login. The audit log keeps it."
)
PURPOSE = click.option(
    "--purpose", envvar="TOCSIN_PURPOSE", default=NOT_STATED, show_default=True, help="Why you look; the log keeps it."
)


def note(connection: Connection, reading: Reading) -> None:
    """Write it before anything is shown: where the log cannot be written, nothing is."""
    record_reading(connection, reading, time.time_ns() // 1_000_000)
