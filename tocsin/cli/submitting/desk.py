"""One member's desk on the command line: opens its publishing, does one thing, says what came of it."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
import msgspec

from producers import publication
from producers.files import delete_rejects
from producers.publication import Choices, Totals
from producers.service import Publishing
from producers.survey import Survey, notes, sentences
from producers.withdrawal import Plea
from tocsin.cli.submitting.voice import speaking
from tocsin.runtime import settings

_REFUSED: Final = 1
_DAY_MS: Final = 24 * 3_600_000


def now_ms() -> int:
    """The clock of the command line."""
    return int(time.time() * 1000)


class Desk:
    """Built from a member's settings file; each method ends with the command's exit code or sentence."""

    def __init__(self, settings_file: Path, *, yes: bool = False, as_json: bool = False) -> None:
        self._settings = settings.load(settings_file)
        self._yes = yes
        self._as_json = as_json

    def look(self, choices: Choices) -> int:
        """Say what would be refused, and publish nothing."""
        with self._publishing() as publishing, speaking(yes=self._yes) as voice:
            found = publication.survey(choices.files, publishing, choices.format_name, voice)
        for line in sentences("dry run", [problem for one in found.rejections for problem in one.problems]):
            click.echo(line, err=True)
        for line in notes("dry run", found.notices):
            click.echo(line, err=True)
        self._say_survey(found)
        return _REFUSED if found.rejections or found.unread else 0

    def publish(self, choices: Choices) -> int:
        """Publish files, and say what became of them."""
        with self._publishing() as publishing, speaking(yes=self._yes) as voice:
            totals = publication.publish(choices, publishing, voice)
        self._say_totals(totals)
        return _REFUSED if totals.refused or totals.unread else 0

    def withdraw(self, plea: Plea, wait_seconds: float) -> None:
        """Take one report back."""
        with self._publishing() as publishing:
            withdrawal = publishing.withdraw(plea)
            publishing.send(wait_seconds)
        click.echo(f"{plea.reference} is taken back as revision {withdrawal.revision}.")

    def purge(self, days: int, folders: Iterable[Path] = ()) -> None:
        """Empty old bodies, and delete old files of refused rows in folders."""
        before_ms = now_ms() - days * _DAY_MS
        with self._publishing() as publishing:
            count = publishing.purge(before_ms)
        click.echo(f"{count} bodies deleted; what is younger than {days} days or not confirmed was kept.")
        for folder in folders:
            click.echo(f"{delete_rejects(folder, before_ms / 1000)} files of refused rows deleted in {folder}.")

    @contextmanager
    def _publishing(self) -> Iterator[Publishing]:
        publishing = Publishing(self._settings, now_ms)
        try:
            yield publishing
        finally:
            publishing.close()

    def _say_survey(self, found: Survey) -> None:
        if self._as_json:
            facts = {"good": found.good, "refused": len(found.rejections), "escalated": found.escalated_lane}
            click.echo(msgspec.json.encode(facts).decode())
            return
        click.echo(f"{found.good} good ({found.escalated_lane} urgent), {len(found.rejections)} to correct.")

    def _say_totals(self, totals: Totals) -> None:
        if self._as_json:
            click.echo(msgspec.json.encode(totals).decode())
            return
        click.echo(f"{totals.taken} taken ({totals.escalated} urgent), {totals.sent} sent.")
        if totals.repeated:
            click.echo(f"{totals.repeated} published before and not doubled.")
        if totals.refused:
            where = f" Correct and publish: {', '.join(totals.rejects)}" if totals.rejects else ""
            click.echo(f"{totals.refused} refused.{where}", err=True)
