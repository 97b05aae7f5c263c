"""`tocsin sent`: what a member published, and what became of it."""

from datetime import datetime
from pathlib import Path

import click

from producers.journal.statuses import Stage
from tocsin.cli.submitting import sent

_STATES = [stage.value for stage in Stage]


@click.command()
@click.option("--as", "member", required=True, help="The member that published.")
@click.option("--reference", default="", help="Only this report, with everything that was said of it.")
@click.option("--since", type=click.DateTime(), help="Only what was published from this time on (UTC).")
@click.option("--state", "stages", multiple=True, type=click.Choice(_STATES), help="Only these; can be repeated.")
@click.option("--open", "only_open", is_flag=True, help="Only where somebody waits for an answer of yours.")
@click.option("--offline", is_flag=True, help="Do not ask the broker for news.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917  # one parameter a documented option
    member: str,
    reference: str,
    since: datetime | None,
    stages: tuple[str, ...],
    only_open: bool,
    offline: bool,
    as_json: bool,
    home: Path,
) -> None:
    """Show what was sent and what became of it, from the journal and the member's status topic.

    States: waiting (not confirmed by the broker), published, triaged, refused (with what to do), stale (a newer
    revision came first), no_recipient, waiting_person, delivered, taken_up, outcome, withdrawn.

    --open shows what you are asked, until when, and how to say it; a correction of the report answers.
    """
    wanted = sent.Wanted(
        reference=reference, since=since, stages=tuple(map(Stage, stages)), only_open=only_open, as_json=as_json
    )
    settings_file = home / "config" / f"{member}.toml"
    if not offline:
        sent.refresh(settings_file)
    sent.show(settings_file, wanted)
