"""`tocsin policy`: look at the policy bundle, and at what changing it would do."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click
from rich.console import Console

from tocsin.cli.policing import changing, reading, shadow
from tocsin.cli.policing.homes import HOME, bundle_named
from tocsin.cli.policing.labels import ucs_table
from tocsin.cli.policing.legal_page import page
from tocsin.cli.policing.legal_table import LEGEND, comparison, table
from tocsin.policy.bundle import load
from tocsin.policy.legal_map import WARNING, legal_map

_POLICY = click.option("--policy", type=click.Path(path_type=Path), help="Folder of the bundle; else the home's.")
_PIPED_COLUMNS = 200
"""Nothing is cut where no terminal says how wide it is."""


@click.group(name="policy")
def command() -> None:
    """Check, show, compare and change policy bundles: what lawyers and analysts sign, as dated files.

    To change rules: check FOLDER, diff FOLDER, shadow --policy FOLDER, promote FOLDER (one person),
    sign (another one).
    """


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
def check(folder: Path) -> None:
    """Load the bundle in FOLDER; each mistake is told with file, line and what to do."""
    bundle = load(folder)
    click.echo(f"The bundle holds: {len(bundle.members)} members, {len(bundle.jurisdictions)} jurisdictions.")
    click.echo(f"digest {bundle.digest}")


@command.command(name="legal-map")
@_POLICY
@HOME
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day; today by default.")
@click.option("--compare", default="", help="Countries side by side: NL,DE (UK and EL are understood).")
@click.option("--html", type=click.Path(path_type=Path), help="Write one page that needs nothing else, to print.")
def legal(policy: Path | None, home: Path, as_of: datetime | None, compare: str, html: Path | None) -> None:
    """Show what the law of each jurisdiction says of kinds of material, and how sure that is.

    Starting data, not legal advice: what nobody has checked is marked unverified, here and wherever it is used.
    """
    bundle, on = bundle_named(str(policy or ""), home), as_of.date() if as_of else _today()
    chosen = [code.strip() for code in compare.split(",") if code.strip()]
    entries = legal_map(bundle, on, chosen)
    if html:
        html.parent.mkdir(parents=True, exist_ok=True)
        html.write_text(page(entries, on, bundle.digest), "utf-8")
        click.echo(f"{len(entries)} jurisdictions as of {on} in {html}. {WARNING}")
        return
    console = Console() if sys.stdout.isatty() else Console(width=_PIPED_COLUMNS)
    console.print(comparison(entries) if chosen else table(entries))
    click.echo(f"As of {on}. {WARNING}" if chosen else f"{LEGEND}\nAs of {on}. {WARNING}")


@command.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--scheme-version", required=True, help="As its owner counts, such as 3.1.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="labels/ucs.toml of your bundle.")
def ucs(file: Path, scheme_version: str, out: Path) -> None:
    """Turn a list of UCS labels that you were given (CSV or JSON) into a mapping table of your bundle.

    Columns: label_id, section, and optionally neutral (words of the neutral vocabulary, separated by spaces), source.
    The labels are not public and none is shipped; a label without neutral words is known, and says nothing.
    """
    text, count = ucs_table(file, scheme_version, _today())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, "utf-8")
    click.echo(f"{count} labels in {out}. Next: tocsin policy check {out.parent.parent}")


for _one in (reading.listed, reading.show, reading.diff, shadow.shadow, changing.key, changing.promote, changing.sign):
    command.add_command(_one)


def _today() -> date:
    return datetime.now(UTC).date()
