"""Backup and restore as docs/guides/backup.md says it, with the programs that it names.

On a stack of its own: PostgreSQL is lost with its folder, and so are the keys and settings of the exchange.
"""

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from schemas.records.identifiers import MemberId
from tests import dumps
from tests.builders import commands
from tests.builders.commands import a_crew
from tests.builders.waiting import until
from tests.chaos.publishing import Publishing, Wanted, unique_reports
from tests.chaos.verdict import RECIPIENTS
from tests.conftest import running
from tocsin.stack.ledger import balance_of
from tocsin.stack.local import LocalStack
from tocsin.stack.postgres import SUPERUSER

pytestmark = pytest.mark.stack
BEFORE, AFTER = 6, 5
HOTLINE, POLICE = map(MemberId, RECIPIENTS["NL"])
CREW = {
    "normal": ("triage", "--lane", "normal"),
    "escalated": ("triage", "--lane", "escalated"),
    "returns": ("returns",),
    HOTLINE: ("deliver", HOTLINE),
    POLICE: ("deliver", POLICE),
}
_LEAVES = 3
"""Of a report: the decision, and what each of two members was given."""
GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "backup.md").read_text("utf-8")


def words_of(beginning: str) -> list[str]:
    """Those of the one command in the guide that begins so."""
    (command,) = re.findall(rf"(?:^|`)({beginning} [^`\n]*)", GUIDE, re.MULTILINE)
    return shlex.split(command)


BURNT = tuple(words_of("tar --create")[words_of("tar --create").index("$TOCSIN_HOME") + 1 :])
"""What the guide keeps: all of the exchange's own home that is neither a server's data nor a member's."""


class Site:
    """An exchange at one place, and the folder in which its backups are kept."""

    def __init__(self, stack: LocalStack, backups: Path) -> None:
        self.stack, self.home, self.backups = stack, stack.home, backups
        self.data = self.home / "postgresql"

    def tocsin(self, *words: str) -> subprocess.CompletedProcess[str]:
        return commands.tocsin(self.home, *words)

    def publish(self, count: int, seed: int) -> None:
        """Reports for the Netherlands, each of which two members get."""
        publishing = Publishing(self.home)
        for report in unique_reports(Wanted(reports=count, countries=("NL",), seed=seed, seconds=0)):
            publishing.send(report)
        assert not publishing.finish().failures

    def delivered(self) -> int:
        folders = [self.home / "state" / member / "delivered" for member in (HOTLINE, POLICE)]
        return sum(len(list(folder.glob("[!.]*.json"))) for folder in folders)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Every process of the exchange and of two members runs."""
        with a_crew(self.home, self.home / "logs") as crew:
            for name, words in CREW.items():
                crew.start(name, words)
            yield
            crew.require_all()

    def settled(self) -> bool:
        """Nothing waits, and the broker's offsets are all accounted for."""
        found = balance_of(self.home)
        return found.holds and not any(line.waiting for line in found.lines)

    def noticed(self) -> bool:
        """Whether the worker that triages says that its ledger was set back."""
        return "The ledger was set back" in (self.home / "logs" / "normal.log").read_text("utf-8")

    def back_up(self) -> None:
        """While everything runs."""
        self._let_in_who_copies()
        program, database, _, *words = self.here("pg_basebackup")
        assert database == "--dbname"
        dumps.run(self.stack, program, *words)
        missing = {name for name in BURNT if not (self.home / name).exists()}
        assert missing <= {"policy"}, "the guide says of that alone that it may not be there yet"
        _run([word for word in self.here("tar --create") if word not in missing])

    def here(self, beginning: str) -> list[str]:
        """The guide's command for this place."""
        places = {"$TOCSIN_HOME": self.home, "/backup/": f"{self.backups}/"}
        words = words_of(beginning)
        for place, instead in places.items():
            words = [word.replace(place, str(instead)) for word in words]
        return words

    def _let_in_who_copies(self) -> None:
        """A local stack lets in nobody for replication, and forgets it at its next start."""
        with (self.data / "pg_hba.conf").open("a") as access:
            access.write(f"hostssl replication {SUPERUSER} 127.0.0.1/32 scram-sha-256\n")
        with self.stack.postgres.connect() as connection:
            connection.execute("select pg_reload_conf()")

    def lose(self) -> None:
        """PostgreSQL, keys and settings burn; Kafka and the members are elsewhere."""
        self.stack.postgres.daemon.kill()
        shutil.rmtree(self.data)
        for name in BURNT:
            shutil.rmtree(self.home / name, ignore_errors=True)

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """PostgreSQL as it was before, while every worker runs; nobody is told."""
        self.stack.postgres.stop()
        shutil.copytree(self.data, self.backups / "earlier")
        self.stack.revive()
        yield
        self.stack.postgres.daemon.kill()
        shutil.rmtree(self.data)
        shutil.move(self.backups / "earlier", self.data)
        self.stack.revive()

    def restore(self) -> None:
        """From the backups alone."""
        _run(self.here("tar --extract"))
        shutil.copytree(self.backups / "postgresql", self.data)
        self.stack.revive()

    def checkpoint(self, name: str, reports: int) -> Path:
        """What a member or an auditor keeps elsewhere, once it covers decision and disclosures of so many reports."""
        kept = self.backups / name

        def covers() -> bool:
            taken = self.tocsin("audit", "checkpoint", "--out", str(kept)).returncode == 0
            return taken and int(kept.read_text("utf-8").splitlines()[1]) >= _LEAVES * reports

        until(covers)
        return kept


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, capture_output=True)  # noqa: S603  # the guide's own words


@pytest.fixture
def site(tmp_path: Path, turns: Path) -> Iterator[Site]:
    for stack in running("tocsin-backup-", turns):
        yield Site(stack, tmp_path)


def test_a_restored_exchange_decides_again_what_the_backup_does_not_know_and_proves_it(site: Site) -> None:
    with site.working():
        site.publish(BEFORE, seed=1)
        until(lambda: site.delivered() == 2 * BEFORE)
        kept = site.checkpoint("kept.note", BEFORE)
        site.back_up()
        site.publish(AFTER, seed=2)
        until(lambda: site.delivered() == 2 * (BEFORE + AFTER))
        later = site.checkpoint("later.note", BEFORE + AFTER)

    site.lose()
    site.restore()
    assert site.tocsin("provision", "--only", "tables").stdout == "tables: those of this version\n"
    assert site.tocsin("erase", "--again").returncode == 0
    assert site.tocsin("subject", "--again").returncode == 0
    assert "Epoch 2 began" in site.tocsin("audit", "epoch", "--by", "anna", "--reason", "the disk failed").stdout
    lost = json.loads(site.tocsin("ledger", "--json").stdout)
    assert sum(line["waiting"] for line in lost["lines"]) >= AFTER, "the backup does not know them"

    with site.working():
        until(site.settled, what="what came after the backup is not decided again")
        site.publish(1, seed=3)
        until(lambda: site.delivered() == 2 * (BEFORE + AFTER + 1))
        until(site.settled)
        site.checkpoint("newest.note", BEFORE + AFTER + 1)
    proven = site.tocsin("ledger", "--prove")
    assert proven.returncode == 0, proven.stdout + proven.stderr
    verified = site.tocsin("audit", "verify", "--checkpoint", str(kept))
    assert (verified.returncode, verified.stdout.startswith("The log holds:")) == (0, True), verified.stdout
    contradicted = site.tocsin("audit", "verify", "--checkpoint", str(later))
    assert contradicted.returncode == 3, "whoever kept one that the backup does not know is owed an explanation"
    assert "logged anew after a restore" in contradicted.stdout, contradicted.stdout
    assert "(epoch 2)" in contradicted.stdout


def test_workers_that_were_left_running_notice_an_older_backup_though_nothing_new_comes(site: Site) -> None:
    with site.working():
        site.publish(1, seed=4)
        until(lambda: site.delivered() == 2)
        with site.forgetting():
            site.publish(AFTER, seed=5)
            until(lambda: site.delivered() == 2 * (1 + AFTER))
            until(site.settled)
        until(site.noticed, what="nobody noticed that the ledger was set back")
        until(site.settled)
    proven = site.tocsin("ledger", "--prove")
    assert proven.returncode == 0, proven.stdout + proven.stderr
