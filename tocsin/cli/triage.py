"""`tocsin triage`: run one worker of one lane."""

from pathlib import Path

import click

from processors.app import Lane, run_triage
from tocsin.cli.serving.beginning import begin_again
from tocsin.cli.serving.port import metrics_port, settings_at
from tocsin.runtime.clock import end_when_set_back
from tocsin.runtime.logs import configure


@click.command(name="triage")
@click.option("--lane", type=click.Choice([lane.value for lane in Lane]), required=True, help="Which lane to work on.")
@click.option(
    "--instance", default="0", show_default=True, help="Name of this worker in its group, kept over restarts."
)
@metrics_port
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(lane: str, instance: str, home: Path, port: int | None) -> None:
    """Triage reports: refuse or decide each one, refer it to its recipients, and settle the ledger.

    Run one process per lane; add workers with another --instance each. SIGTERM finishes what was started.
    It begins again by itself, in its own place, once a promoted member's topics are there.
    The process ends with 4 where it cannot go on safely; let its manager start it again.
    """
    configure()
    end_when_set_back()
    if run_triage(settings_at(home, "triage", port), Lane(lane), instance):
        begin_again()
