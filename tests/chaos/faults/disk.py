"""The disk is full: under a recipient's inbox and folder, under a submitter's journal, under PostgreSQL."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from producers.draft import ReportDraft
from schemas.failures import Broken
from tests.builders.drafts import a_draft
from tests.builders.reports import a_hash, an_item
from tests.chaos.faults.fault import Facts, Fault, Impossible, Scene, Strike
from tocsin.publisher import Publisher

_RECIPIENT, _SUBMITTER = "nl-hotline", "fr-hotline"
_STATE_MB, _DATABASE_MB = 64, 512
_FULL_SECONDS = 10.0
_DRAFTS = 20
_BALLAST = "ballast"


def requires() -> None:
    """Raise Impossible where this machine lets us mount nothing."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-mount-"))
    try:
        with small(folder, 1):
            pass
    finally:
        folder.rmdir()


@contextmanager
def setting(scene: Scene) -> Iterator[Strike]:
    """A small tmpfs under each of the three, with what was there already."""
    with ExitStack() as mounts:
        recipient, submitter = (scene.home / "state" / member for member in (_RECIPIENT, _SUBMITTER))
        for folder in (recipient, submitter):
            mounts.enter_context(small(folder, _STATE_MB))
        mounts.callback(scene.stack.postgres.stop)
        scene.stack.postgres.stop()
        database = mounts.enter_context(small(scene.home / "postgresql", _DATABASE_MB))
        scene.stack.revive()
        yield partial(strike, scene, (recipient, submitter, database))


def strike(scene: Scene, folders: tuple[Path, Path, Path]) -> Facts:
    """Fill one after the other, and make room again."""
    recipient, submitter, database = folders
    scene.say("no room under the inbox and its folder")
    with full(recipient):
        scene.wait(_FULL_SECONDS)
    drafts = [_draft(number) for number in range(_DRAFTS)]
    _publish(
        scene, drafts[:1]
    )  # what is learnt once, as schemas, is on the disk by then: the journal is what has no room
    scene.say("no room under the journal")
    with full(submitter):
        refusal = _publish(scene, drafts)
    scene.expect(refusal.startswith("journal."), f"the journal says that it is full, said {refusal!r}")
    refused_after = _publish(scene, drafts)
    scene.expect(not refused_after, f"with room again, all is taken; found {refused_after!r}")
    scene.say("no room under PostgreSQL")
    with full(database):
        scene.wait(_FULL_SECONDS)
        survives = scene.stack.postgres.daemon.running()
    scene.stack.revive()
    return {"journal_said": refusal, "published_twice": _DRAFTS, "postgresql_survives": survives}


def _draft(number: int) -> ReportDraft:
    name = f"disk-{number}"
    digest = hashlib.sha256(name.encode()).hexdigest()
    item = an_item(content_id=f"{name}-item", url=f"https://files.example.test/{name}", hashes=(a_hash(value=digest),))
    return a_draft(submitter_reference=name, items=(item,))


def _publish(scene: Scene, drafts: list[ReportDraft]) -> str:
    """The code of what was refused, or nothing; what is taken must reach the recipients as all else."""
    try:
        with Publisher(scene.stack.config(_SUBMITTER)) as publisher:
            taken, problems = publisher.publish_all(drafts)
    except Broken as failure:
        return failure.code
    for each in taken:
        scene.also(each.report_id, "NL")
    return problems[0].code if problems else ""


@contextmanager
def small(folder: Path, megabytes: int) -> Iterator[Path]:
    """A tmpfs over a folder, with its contents; afterwards the contents lie in the folder itself."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = folder.with_name(f"{folder.name}.aside")
    shutil.copytree(folder, aside)
    _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "tocsin-chaos", str(folder))
    try:
        _run("cp", "-a", f"{aside}/.", str(folder))
        yield folder
        shutil.rmtree(aside)
        _run("cp", "-a", str(folder), str(aside))
    finally:
        _run("umount", "--lazy", str(folder))
        _run("cp", "-a", f"{aside}/.", str(folder))
        shutil.rmtree(aside)


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- our own words
    except FileNotFoundError as missing:
        raise Impossible(f"There is no {words[0]} on this machine.", code="chaos.impossible") from missing
    if done.returncode:
        raise Impossible(f"{words[0]} failed: {done.stderr.strip()} Run it as root.", code="chaos.impossible")


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Take what room there is, to the last byte."""
    ballast = folder / _BALLAST
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(folder).free * 9 // 10)
        file.seek(0, os.SEEK_END)
        while True:
            file.write(b"0" * 4096)
    try:
        yield
    finally:
        ballast.unlink()


FAULT = Fault(
    name="disk",
    says="a full disk under inbox, journal and database",
    setting=setting,
    requires=requires,
    publishing_seconds=50.0,
)
