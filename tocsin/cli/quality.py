"""`tocsin quality`: how complete a submitter's reports are, and what to add first."""

from pathlib import Path
from typing import Final

import click
import msgspec

from tocsin.runtime.settings import load
from tocsin.stack.decisions import Quality, decisions

EXAMPLES: Final = {
    "nexus": '{"nexus": [{"kind": "suspect", "country": "NL", "source": "ip"}]} or "declared_country": "NL"',
    "accounts": '{"personal": {"accounts": [{"role": "suspect", "kind": "user_id", "value": "…"}]}}',
    "incident_at": '{"incident_at": "2026-01-31T12:00:00+01:00"}',
    "items": '{"items": [{"url": "https://files.example.test/1", "hashes": [{"algorithm": "sha256", "value": "…"}]}]}',
    "items.viewed_by_reporter": '{"items": [{"viewed_by_reporter": "yes"}]}',
    "items.labels": '{"items": [{"labels": [{"scheme": "industry", "scheme_version": "2022", "label": "A1"}]}]}',
    "items.detection_method": '{"items": [{"detection_method": "hash_match"}]}',
}
"""For each field that completeness looks at; a test compares the two."""


@click.command()
@click.option("--member", default="", help="Of this submitter; all by default.")
@click.option("--weeks", default=12, show_default=True, type=click.IntRange(1, 520))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(member: str, weeks: int, as_json: bool, home: Path) -> None:
    """Show week by week how complete reports were, and what to add first, with an example.

    Completeness (0 to 100) says how much an officer would find; it has no part in how urgent a report is.
    """
    with decisions(load(home / "config" / "ops.toml")) as read:
        found = read.quality(member, weeks)
    if as_json:
        for one in found:
            click.echo(msgspec.json.encode(one).decode())
        return
    for submitter in dict.fromkeys(one.submitter for one in found):
        _show([one for one in found if one.submitter == submitter])
    if not found:
        click.echo("No reports in this time; tests are left out.")


def _show(weeks: list[Quality]) -> None:
    latest = weeks[0]
    click.echo(f"{latest.submitter}")
    for week in weeks:
        click.echo(f"  week of {week.week:%Y-%m-%d}: {week.average:.0f} of 100 over {week.reports} reports")
    for field, count in latest.missing[:3]:
        click.echo(f"  add {field} ({count} of {latest.reports} lack it): {EXAMPLES.get(field, '')}")
