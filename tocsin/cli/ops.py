"""`tocsin ops`: the page that an ops team looks at."""

import time
from pathlib import Path

import click

from consumers.serving import heeding_signals
from schemas.failures import Broken
from tocsin.cli.serving.listening import loopback
from tocsin.stack.display import progress_display
from tocsin.stack.watching.application import application
from tocsin.stack.watching.asking import Prometheus
from tocsin.stack.watching.guarding import guarded_server
from tocsin.stack.watching.uplot import Library, fetched, library_in


@click.command()
@click.option("--prometheus", "address", default="http://127.0.0.1:9090", show_default=True, help="Whom it asks.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8490, show_default=True, help="0 takes a free one.")
@click.option(
    "--uplot",
    "archive",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="TOCSIN_UPLOT",
    help="The archive of uPlot, where you brought it; without this it is fetched once, from Maven Central.",
)
@click.option("--no-download", is_flag=True, help="Fetch nothing: without --uplot the server alone draws the charts.")
def command(address: str, port: int, archive: Path | None, no_download: bool) -> None:
    """Show on loopback whether every promise holds: promises, flow, times, what waits, errors, trust, saturation.

    It asks your Prometheus, which scrapes the processes (start them with --metrics-port), and reads nothing else.
    Numbers and charts need no script; where scripts run, uPlot draws the charts again, with the values of each instant.
    deploy/grafana/tocsin.json has the same panels for Grafana. Others reach it through a proxy of yours that asks who
    they are.
    """
    prometheus = Prometheus(address)
    try:
        with loopback(port) as listening:
            server = heeding_signals(guarded_server(application(prometheus, time.time, _library(archive, no_download))))
            click.echo(f"Ops page: http://127.0.0.1:{listening.getsockname()[1]}/ (Ctrl-C ends it)")
            server.run(sockets=[listening])
    finally:
        prometheus.close()


def _library(archive: Path | None, no_download: bool) -> Library | None:
    """What draws the charts in the browser; whatever is the matter with it, the page is shown without."""
    if archive is None and no_download:
        return None
    try:
        return library_in(archive.read_bytes() if archive else _downloaded())
    except (Broken, OSError) as failed:
        click.echo(f"{failed} The server alone draws the charts.", err=True)
        return None


def _downloaded() -> bytes:
    with progress_display() as progress:
        return fetched(progress)
