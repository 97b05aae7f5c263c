"""`tocsin canary`: send tests of the way to every member, by both lanes, again and again."""

import logging
import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from producers import canaries
from producers.service import Publishing
from schemas.failures import Temporary
from schemas.records.identifiers import MemberId
from tocsin.cli.serving.port import metrics_port, settings_at
from tocsin.policy.policies import Policies, policies
from tocsin.runtime import logs
from tocsin.runtime.endpoint import endpoint_of
from tocsin.runtime.expiry import show_expiry
from tocsin.runtime.health import Health
from tocsin.runtime.metrics import describe_build, failure_met

NAME: Final = "canary"
_LOG: Final = logging.getLogger(__name__)
_SEND_SECONDS: Final = 30.0
_KEPT_MS: Final = 86_400_000
"""How long the journal keeps the bodies of what has arrived."""


@click.command(name=NAME)
@click.option("--as", "member", default=NAME, show_default=True, help="The member of the policy that sends canaries.")
@click.option("--every-seconds", type=click.IntRange(5, 3600), default=300, show_default=True)
@click.option("--once", is_flag=True, help="Send one round, and end.")
@metrics_port
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(member: str, every_seconds: int, once: bool, port: int | None, home: Path) -> None:
    """Send one test report to each receiving member by each lane, every few minutes, until stopped.

    It goes the whole way, as urgent and as normal reports do, and the member's courier stops it before the sinks,
    unless `canaries = true` in the delivery file asks for it there. `tocsin deliver` publishes when the newest one
    that came was sent (tocsin_canary_sent_timestamp_seconds); an alert watches its age. Nothing counts it: no
    statistics, queue, duplicates or links. The member that sends has `canary = true` in members.toml.
    """
    logs.configure()
    describe_build(NAME)
    settings = settings_at(home, member, port)
    show_expiry(settings.kafka.certificate)
    rules = policies(settings.policy, settings.policy_trust)
    canaries.checked(rules.at(_now_ms()), MemberId(member))
    health, stopped = Health(), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    health.expect("broker", 3 * every_seconds)
    endpoint = endpoint_of(settings, health)
    publishing = Publishing(settings, _now_ms)
    try:
        while not stopped.is_set():
            sent = _round(publishing, rules, is_patient=not once)
            if sent is not None:
                health.beat("broker", time.monotonic())
            if once:
                click.echo(f"{sent} canaries sent.")
                break
            stopped.wait(every_seconds)
    finally:
        publishing.close()
        if endpoint:
            endpoint.close()


def _round(publishing: Publishing, rules: Policies, *, is_patient: bool) -> int | None:
    """One canary for each member and lane; None where the broker is away and the next round tries again."""
    now_ms = _now_ms()
    on = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    if sent_to := canaries.release(publishing, rules.at(now_ms), on, now_ms):
        canaries.tell_round(sent_to, now_ms)
    try:
        sent = publishing.send(_SEND_SECONDS)
    except Temporary as failure:
        if not is_patient:
            raise
        failure_met(NAME, failure)
        _LOG.warning(str(failure), extra={"facts": {"code": failure.code}})
        return None
    publishing.purge(now_ms - _KEPT_MS)
    _LOG.info("Canaries are on their way.", extra={"facts": {"count": sent}})
    return sent


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
