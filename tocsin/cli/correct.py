"""`tocsin correct`: publish new revisions of reports."""

from pathlib import Path

import click

from producers.intake import Mode
from producers.publication import Choices
from tocsin.cli.submitting import desk as submitting


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--as", "member", required=True, help="The member that published them.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--format", "format_name", type=click.Choice(["xarf", "jsonl", "csv"]), help="Instead of looking at it.")
@click.option("--yes", is_flag=True, help="Do not ask where a file escalates more than 20 reports.")
@click.option("--wait-seconds", default=30.0, show_default=True, help="How long to wait for the broker.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as one JSON object.")
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    files: tuple[str, ...],
    member: str,
    home: Path,
    format_name: str | None,
    yes: bool,
    wait_seconds: float,
    as_json: bool,
) -> None:
    """Replace reports by what FILES say of the same references.

    Each report gets the next revision; recipients are sent the new one. A report that did not change, or that was
    never published from here, is refused.
    """
    choices = Choices(files=files, format_name=format_name or "", mode=Mode.CORRECT, wait_seconds=wait_seconds)
    counter = submitting.Desk(home / "config" / f"{member}.toml", yes=yes, as_json=as_json)
    raise click.exceptions.Exit(counter.publish(choices))
