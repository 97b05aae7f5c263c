"""`tocsin validate`: look at files of reports without publishing anything."""

import time
from pathlib import Path

import click

from producers.feeds.entries import Context
from producers.files import opened
from producers.service import profile_of
from producers.survey import Survey, notes, sentences
from schemas.failures import Refused
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
    answers = [_is_good(name, format_name or "", context) for name in files]  # every file is looked at
    if not all(answers):
        raise click.exceptions.Exit(1)


def _is_good(name: str, format_name: str, context: Context) -> bool:
    """Say what is wrong with one file; one that cannot be read keeps no other from being looked at."""
    found = Survey()
    try:
        with opened(name, format_name) as file:
            found.count(file.entries(context))
    except Refused as failure:
        click.echo(f"{name}: {failure} [{failure.code}]", err=True)
        return False
    problems = [problem for one in found.rejections for problem in one.problems]
    for line in (*sentences(name, problems), *notes(name, found.notices)):
        click.echo(line, err=True)
    click.echo(f"{name} ({file.feed.name}): {found.good} good, {len(found.rejections)} to correct.")
    return not found.rejections


def _context(member: str, home: Path) -> Context:
    now_ms = int(time.time() * 1000)
    if not member:
        return Context(now_ms=now_ms)
    process = settings.load(home / "config" / f"{member}.toml")
    profile = profile_of(policies(process.policy, process.policy_trust).at(now_ms), MemberId(member), now_ms)
    return Context(now_ms=now_ms, utc_offset_minutes=profile.utc_offset_minutes)
