"""`tocsin publish`: send files of reports."""

from pathlib import Path

import click

from producers.publication import Choices
from schemas.records.values import Mark
from tocsin.cli.submitting import desk as submitting


@click.command()
@click.argument("files", nargs=-1)
@click.option("--as", "member", required=True, help="The member that publishes.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--format", "format_name", type=click.Choice(["xarf", "jsonl", "csv"]), help="Instead of looking at it.")
@click.option("--test", "is_test", is_flag=True, help="Mark every report as a test, whatever the file says.")
@click.option("--dry-run", is_flag=True, help="Only say what would be refused; like validate, with your profile.")
@click.option("--yes", is_flag=True, help="Do not ask where a file escalates more than 20 reports.")
@click.option("--wait-seconds", default=30.0, show_default=True, help="How long to wait for the broker.")
@click.option("--json", "as_json", is_flag=True, help="Print the totals as one JSON object.")
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    files: tuple[str, ...],
    member: str,
    home: Path,
    format_name: str | None,
    is_test: bool,
    dry_run: bool,
    yes: bool,
    wait_seconds: float,
    as_json: bool,
) -> None:
    """Publish the reports in FILES (- is the standard input) as one member.

    The format (X-ARF, JSON lines, the CSV template) is seen from the content. Good reports go through; every line
    that does not is named, and collected in FILE.rejected.* to correct and send again. Reports are written into the
    member's journal before they are sent: without broker they wait there, and `tocsin publish` sends them later, also
    without FILES. Publishing the same file again is harmless.
    """
    choices = Choices(
        files=files, format_name=format_name or "", mark=Mark.TEST if is_test else None, wait_seconds=wait_seconds
    )
    counter = submitting.Desk(home / "config" / f"{member}.toml", yes=yes, as_json=as_json)
    raise click.exceptions.Exit(counter.look(choices) if dry_run else counter.publish(choices))
