"""`tocsin ops`: the page that an ops team looks at."""

import time

import click

from consumers.serving import heeding_signals
from tocsin.cli.serving.listening import loopback
from tocsin.stack.watching.application import application
from tocsin.stack.watching.asking import Prometheus
from tocsin.stack.watching.guarding import guarded_server


@click.command()
@click.option("--prometheus", "address", default="http://127.0.0.1:9090", show_default=True, help="Whom it asks.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8490, show_default=True, help="0 takes a free one.")
def command(address: str, port: int) -> None:
    """Show on loopback whether every promise holds: promises, flow, times, what waits, errors, trust, saturation.

    It asks your Prometheus, which scrapes the processes (start them with --metrics-port), and reads nothing else. The
    page needs no script and no network. deploy/grafana/tocsin.json has the same panels for Grafana. Others reach it
    through a proxy of yours that asks who they are.
    """
    prometheus = Prometheus(address)
    try:
        with loopback(port) as listening:
            server = heeding_signals(guarded_server(application(prometheus, time.time)))
            click.echo(f"Ops page: http://127.0.0.1:{listening.getsockname()[1]}/ (Ctrl-C ends it)")
            server.run(sockets=[listening])
    finally:
        prometheus.close()
