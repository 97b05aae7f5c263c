"""`tocsin lag`: how far each consumer group is behind, in records and in seconds."""

import json
import signal
import sys
import threading
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Column, Table

from schemas.failures import Broken
from schemas.topics import METRICS
from tocsin.cli.serving.port import metrics_port, settings_at
from tocsin.runtime import logs
from tocsin.runtime.endpoint import endpoint_of
from tocsin.runtime.expiry import show_expiry
from tocsin.runtime.health import Health
from tocsin.runtime.lag.backlog import Backlog, Snapshot
from tocsin.runtime.lag.broker import KafkaOffsets
from tocsin.runtime.lag.publishing import seconds_behind
from tocsin.runtime.lag.reading import LagReader
from tocsin.runtime.lag.serving import BROKER, NAME, STALE_SECONDS, watch_lag
from tocsin.runtime.metrics import describe_build
from tocsin.runtime.settings import Settings


@click.command(name="lag")
@click.option("--serve", is_flag=True, help="Go on, and serve the figures to Prometheus.")
@metrics_port
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(serve: bool, port: int | None, as_json: bool, home: Path) -> None:
    """Show what each consumer group has left to read, in records, and for how long the first of them has waited.

    It asks as the principal `metrics`, who may describe topics and groups and can read no record. With --serve it
    looks every ten seconds, until stopped, and serves the figures under the names of kafka_exporter; one such process
    is enough for an exchange.
    """
    settings = settings_at(home, METRICS, port)
    reader = LagReader(KafkaOffsets(settings.kafka))
    if serve:
        _serve(settings, reader)
    else:
        _show(reader.read(time.time_ns() // 1_000_000), as_json=as_json)


def _serve(settings: Settings, reader: LagReader) -> None:
    if not settings.metrics_port:
        raise Broken("Nobody could ask for the figures. Say where: --metrics-port PORT", code="lag.no_port")
    logs.configure()
    describe_build(NAME)
    show_expiry(settings.kafka.certificate)
    health, stopped = Health(), threading.Event()
    health.expect(BROKER, STALE_SECONDS)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    endpoint = endpoint_of(settings, health)
    try:
        watch_lag(reader, health, stopped)
    finally:
        if endpoint:
            endpoint.close()


def _show(seen: Snapshot, *, as_json: bool) -> None:
    behind = sorted((one for one in seen.backlogs if one.records), key=lambda one: (one.oldest_ms, one.group))
    if as_json:
        click.echo(json.dumps({"groups": len(seen.groups), "behind": [_plain(one, seen.at_ms) for one in behind]}))
        return
    table = Table("group", Column("topic", overflow="fold"), "partition", "records", "seconds", title="Not read yet")
    for one in behind:
        seconds = f"{seconds_behind(one, seen.at_ms):.0f}"
        table.add_row(one.group, one.place.topic, str(one.place.partition), str(one.records), seconds)
    if behind:
        Console(width=None if sys.stdout.isatty() else 110).print(table)
    else:
        click.echo(f"{len(seen.groups)} groups, and none is behind.")


def _plain(one: Backlog, now_ms: int) -> dict[str, object]:
    return {
        "group": one.group,
        "topic": one.place.topic,
        "partition": one.place.partition,
        "records": one.records,
        "seconds": round(seconds_behind(one, now_ms), 1),
    }
