"""`tocsin returns`: run the worker that reads what recipients answer."""

from pathlib import Path

import click

from processors.app import run_returns
from tocsin.cli.serving.beginning import begin_again
from tocsin.cli.serving.port import metrics_port, settings_at
from tocsin.cli.serving.set_back import warn_of_older_backup
from tocsin.runtime.clock import end_when_set_back
from tocsin.runtime.logs import configure


@click.command(name="returns")
@click.option(
    "--instance", default="0", show_default=True, help="Name of this worker in its group, kept over restarts."
)
@metrics_port
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(instance: str, home: Path, port: int | None) -> None:
    """Read every member's answers, close referrals, and tell submitters on their status topics.

    SIGTERM finishes what was started. It begins again by itself, in its own place, once a promoted member's topics
    are there. The process ends with 4 where it cannot go on safely.
    """
    configure()
    warn_of_older_backup(home)
    end_when_set_back()
    if run_returns(settings_at(home, "returns", port), instance):
        begin_again()
