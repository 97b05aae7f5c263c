"""`tocsin purge`: empty the bodies of reports that the broker has."""

from pathlib import Path

import click

from tocsin.cli.submitting import desk as submitting


@click.command()
@click.option("--as", "member", required=True, help="The member whose journal it is.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(min=0), help="Keep what is younger.")
@click.option(
    "--rejected",
    "folders",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Also a folder in which `publish` left files of refused rows (*.rejected.*); may be repeated.",
)
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(member: str, days: int, folders: tuple[Path, ...], home: Path) -> None:
    """Delete the bodies of reports whose arrival the broker confirmed some days ago.

    References, times and coordinates stay as proof; what was not confirmed is never touched, nor what is under a legal
    hold that the last `tocsin sent` heard of. Rows that were refused never came to the exchange, so that no order to
    erase reaches them: the files in which `publish` gave them back go with --rejected, by the same age.
    """
    submitting.Desk(home / "config" / f"{member}.toml").purge(days, folders)
