"""`tocsin deliver`: run one member's inbox and courier."""

import signal
import threading
from pathlib import Path
from types import FrameType

import click

from consumers import service
from consumers import settings as delivery
from consumers.membership import Memberships
from consumers.states import RESUMABLE, State
from schemas.records.identifiers import MemberId
from tocsin.cli.serving.port import metrics_port, settings_at
from tocsin.policy.policies import policies
from tocsin.runtime import logs
from tocsin.runtime.clock import end_when_set_back
from tocsin.runtime.endpoint import endpoint_of
from tocsin.runtime.expiry import show_expiry
from tocsin.runtime.metrics import describe_build


@click.command()
@click.argument("member")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--delivery", "delivery_path", type=click.Path(path_type=Path), help="The member's delivery file.")
@click.option("--once", is_flag=True, help="End when nothing is left to read, to send or to tell.")
@click.option(
    "--resume",
    "resumed",
    multiple=True,
    type=click.Choice(sorted(state.value for state in RESUMABLE)),
    help="First let deliveries in this state go again; can be said several times.",
)
@metrics_port
@click.option("--accept-gap", "gap_reason", default="", metavar="REASON", help="Go on behind records deleted unread.")
def command(  # noqa: PLR0913, PLR0917 -- one parameter a documented option
    member: str,
    home: Path,
    delivery_path: Path | None,
    once: bool,
    resumed: tuple[str, ...],
    port: int | None,
    gap_reason: str,
) -> None:
    """Read MEMBER's referrals and deliver them to its sinks, until stopped.

    The sinks are in <home>/config/MEMBER.delivery.toml; without that file referrals are written to the
    folder `delivered` of the member's state. docs/guides/recipient.md has an example.
    """
    logs.configure()
    end_when_set_back()
    describe_build("deliver")
    config = home / "config"
    process = settings_at(home, member, port)
    show_expiry(process.kafka.certificate)
    chosen = delivery.load(delivery_path or service.delivery_file(config, MemberId(member)), process.state)
    rules = policies(process.policy, process.policy_trust)
    memberships = Memberships(rules, MemberId(member), service.now_ms())
    running = service.Service(process, chosen, memberships, gap_reason=gap_reason)
    endpoint = endpoint_of(process, running.health)
    try:
        for warning in running.warnings():
            click.echo(warning, err=True)
        if resumed:
            click.echo(f"{running.resume(tuple(State(name) for name in resumed))} deliveries go again.")
        counts = running.run(_stop_on_signal().is_set, once=once)
    finally:
        running.close()
        if endpoint:
            endpoint.close()
    _report(counts)


def _stop_on_signal() -> threading.Event:
    """The first SIGTERM or SIGINT ends the present turn; what is under way is settled before the process ends."""
    stopped = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return stopped


def _report(counts: dict[State, int]) -> None:
    if not counts:
        click.echo("No referrals yet.")
    for state in State:
        if state in counts:
            click.echo(f"{counts[state]:>8} {state.replace('_', ' ')}")
