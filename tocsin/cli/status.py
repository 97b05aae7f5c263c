"""`tocsin status`: what runs."""

import json
import sys
from pathlib import Path

import click

from tocsin.stack.local import LocalStack

NOT_RUNNING = 4


@click.command(name="status")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def command(home: Path, as_json: bool) -> None:
    """Show which services run, with process and log. Ends with 4 where one does not."""
    if not home.exists():
        click.echo(f"There is no stack in {home}. Start one: tocsin up", err=True)
        sys.exit(NOT_RUNNING)
    daemons = LocalStack(home).daemons
    found = {daemon.name: {"pid": daemon.pid(), "log": str(daemon.log)} for daemon in daemons}
    if as_json:
        click.echo(json.dumps(found))
    else:
        for name, facts in found.items():
            state = f"pid {facts['pid']}" if facts["pid"] else "not running"
            click.echo(f"{name:12} {state:14} {facts['log']}")
    sys.exit(0 if all(facts["pid"] for facts in found.values()) else NOT_RUNNING)
