"""`tocsin ops`: the page that an ops team looks at."""

import re
import time
from pathlib import Path
from typing import Any, Final

import click

from consumers.serving import heeding_signals, over_tls
from schemas.failures import Broken
from tocsin.cli.serving.encrypted import TLS, pair_of
from tocsin.cli.serving.listening import loopback
from tocsin.stack.display import progress_display
from tocsin.stack.watching.application import application
from tocsin.stack.watching.asking import Prometheus
from tocsin.stack.watching.guarding import guarded_server
from tocsin.stack.watching.uplot import Library, fetched, library_in

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]")


def _names(_context: click.Context, _option: click.Parameter, said: tuple[str, ...]) -> tuple[str, ...]:
    """As a Host header has them; usage error for what none can have."""
    names = tuple(name.lower() for name in said)
    for name in names:
        if not _NAME.fullmatch(name):
            raise click.BadParameter(f"a name without port or wildcard was expected, such as ops.example.org: {name}")
    return names


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
@click.option(
    "--host",
    "names",
    multiple=True,
    callback=_names,
    envvar="TOCSIN_OPS_HOSTS",
    help="A name by which your proxy lets others reach it, beside localhost; can be repeated.",
)
@click.option("--no-download", is_flag=True, help="Fetch nothing: without --uplot the server alone draws the charts.")
@TLS
def command(address: str, port: int, archive: Path | None, names: tuple[str, ...], **more: Any) -> None:
    """Show on loopback whether every promise holds: promises, flow, times, what waits, errors, trust, saturation.

    It asks your Prometheus, which scrapes the processes (start them with --metrics-port), and reads nothing else.
    Numbers and charts need no script; where scripts run, uPlot draws the charts again, with the values of each instant.
    deploy/grafana/tocsin.json has the same panels for Grafana. Others reach it through a proxy of yours that asks who
    they are; where that hands on the name that they asked for, say it with --host: any other name is refused.
    """
    pair, prometheus = pair_of(more["certificate"], more["key"]), Prometheus(address)
    try:
        with loopback(port) as listening:
            page = application(prometheus, time.time, _library(archive, more["no_download"]))
            server = heeding_signals(over_tls(guarded_server(page, names=names), *pair))
            click.echo(f"Ops page: {pair.scheme}://127.0.0.1:{listening.getsockname()[1]}/ (Ctrl-C ends it)")
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
