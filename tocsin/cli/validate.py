"""`tocsin validate`: look at files of reports without publishing anything."""

import time
from pathlib import Path

import click

from producers.feeds.entries import Context
from producers.files import opened
from producers.service import profile_of
from producers.survey import Survey, notes, sentences
from schemas.records.identifiers import MemberId
from tocsin.policy.policies import policies
from tocsin.runtime import settings


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--as", "member", default="", help="Read times without a zone as this member's profile says.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--format", "format_name", type=click.Choice(["xarf", "jsonl", "csv"]), help="Instead of looking at it.")
def command(files: tuple[str, ...], member: str, home: Path, format_name: str | None) -> None:
    """Check FILES (- is the standard input) and name every line that would be refused.

    Needs no broker. Exit code 1 where something is wrong; nothing is written.
    """
    context = _context(member, home)
    total = Survey()
    for name in files:
        with opened(name, format_name or "") as file:
            found = Survey()
            found.count(file.entries(context))
            problems = [problem for one in found.rejections for problem in one.problems]
            for line in sentences(name, problems):
                click.echo(line, err=True)
            for line in notes(name, found.notices):
                click.echo(line, err=True)
            click.echo(f"{name} ({file.feed.name}): {found.good} reports are good, {len(found.rejections)} are not.")
        total.rejections += found.rejections
    if total.rejections:
        raise click.exceptions.Exit(1)


def _context(member: str, home: Path) -> Context:
    now_ms = int(time.time() * 1000)
    if not member:
        return Context(now_ms=now_ms)
    process = settings.load(home / "config" / f"{member}.toml")
    profile = profile_of(policies(process.policy, process.policy_trust).at(now_ms), MemberId(member), now_ms)
    return Context(now_ms=now_ms, utc_offset_minutes=profile.utc_offset_minutes)
