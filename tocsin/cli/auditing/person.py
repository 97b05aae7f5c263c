"""Who looks at something and why: every command that shows a case to a person asks for both, and the log keeps them."""

import getpass
import time
from typing import Final

import click
from msgspec.structs import replace
from sqlalchemy import Connection

from schemas.records.identifiers import ReportId
from tocsin.runtime.audit.recording import record_reading
from tocsin.runtime.audit.statements import Reading

_HELP: Final = "Why you look, such as 'case 4711': the audit log keeps it."


def login() -> str:
    """Of whoever runs the command, as the operating system knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def stated(purpose: str) -> str:
    """The purpose as it was said; a look for no reason is no look: usage error."""
    if not purpose.strip():
        raise click.UsageError(
            "Say --purpose, or TOCSIN_PURPOSE: why you look, such as --purpose 'case 4711'. The audit log keeps it "
            "beside your name, so name nobody in it."
        )
    return purpose


def _stated(_: click.Context, __: click.Parameter, purpose: str) -> str:
    return stated(purpose)


BY = click.option(
    "--by", "by", envvar="TOCSIN_BY", default=login, help="Your name; by default your login. The audit log keeps it."
)
PURPOSE = click.option("--purpose", envvar="TOCSIN_PURPOSE", default="", callback=_stated, help=f"{_HELP} Required.")
PURPOSE_OF_A_READ = click.option(
    "--purpose", envvar="TOCSIN_PURPOSE", default="", help=f"{_HELP} Required wherever that is looked at."
)
"""Where not everything that the command does is a look: the command asks `stated` before it shows anything."""


def looked_ahead(command: str, what: str, by: str, reason: str) -> Reading:
    """A look at what an act would do: it tells who has something, and gives its reason instead of a purpose."""
    return Reading(person=by or login(), purpose=reason or f"before tocsin {command}", command=command, what=what)


def note(connection: Connection, reading: Reading) -> None:
    """Write it before anything is shown: where the log cannot be written, nothing is."""
    record_reading(connection, reading, time.time_ns() // 1_000_000)


def note_who_has(connection: Connection, command: str, report: ReportId, who: tuple[str, str]) -> None:
    """Of a look before an act at who has a report; `who` is a name and a reason, which may be empty."""
    note(connection, replace(looked_ahead(command, f"who has report {report}", *who), report=report))
