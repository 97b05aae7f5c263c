"""`tocsin withdraw`: take a report back."""

from pathlib import Path

import click

from producers.withdrawal import Plea
from schemas.vocabularies import vocabulary
from tocsin.cli.submitting import desk as submitting

_CODES = sorted(vocabulary("withdrawal_reason").codes)


@click.command()
@click.argument("reference")
@click.option("--as", "member", required=True, help="The member that published it.")
@click.option("--reason", required=True, type=click.Choice(_CODES), help="Why it is taken back.")
@click.option("--text", default="", help="A short explanation; no names.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--wait-seconds", default=30.0, show_default=True, help="How long to wait for the broker.")
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    reference: str, member: str, reason: str, text: str, home: Path, wait_seconds: float
) -> None:
    """Take back the report with your REFERENCE.

    Copies that have not left are held back; recipients that have one are told. What they did with it stays theirs.
    """
    counter = submitting.Desk(home / "config" / f"{member}.toml")
    counter.withdraw(Plea(reference=reference, reason_code=reason, text=text), wait_seconds)
