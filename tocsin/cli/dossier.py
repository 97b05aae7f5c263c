"""`tocsin dossier`: one referral for a court, as a page, a signed manifest and a proof."""

import sys
import time
from pathlib import Path

import click

from schemas.failures import Broken
from schemas.topics import OPS
from tocsin.cli.auditing.dossier_files import NOTE, PAGE, faults, files_of, keys_in, written
from tocsin.cli.auditing.person import BY, PURPOSE_OF_A_READ, stated
from tocsin.runtime.audit.checkpoints import keys_of
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.settings import Settings, load
from tocsin.stack.dossier import Wanted, gather

DOES_NOT_HOLD = 3


@click.command()
@click.argument("asked", metavar="REFERRAL_ID|FOLDER")
@click.option("--out", type=click.Path(path_type=Path), help="A new folder for it; by default dossier-REFERRAL_ID.")
@click.option("--check", is_flag=True, help="Check the dossier in FOLDER instead of making one.")
@click.option("--key", "keys", multiple=True, help="With --check: a verifying key; without any, the home's directory.")
@click.option("--although-recalled", is_flag=True, help="Also where the referral was taken back; needs --reason.")
@click.option("--reason", default="", help="Why although it was taken back; the audit log and the dossier keep it.")
@BY
@PURPOSE_OF_A_READ
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917 -- one parameter a documented option
    asked: str,
    out: Path | None,
    check: bool,
    keys: tuple[str, ...],
    although_recalled: bool,
    reason: str,
    by: str,
    purpose: str,
    home: Path,
) -> None:
    """Gather what can be shown of REFERRAL_ID: a page to print, a signed manifest, and a proof from the audit log.

    It says what bytes the recipient was given and when, by which rules, what was kept back, what came back, how anybody
    verifies it without us, and what it does not prove. It shows no more than the recipient may know. That you made it
    is noted in the audit log, with your name and purpose. What was taken back from the recipient is refused, unless a
    court needs it all the same: --although-recalled and --reason.

    With --check, a folder is held against its signatures and its proof; with --key nothing else is needed, neither a
    connection nor a home. Ends with 3 where it does not hold.
    """
    if check:
        sys.exit(_checked(Path(asked), tuple(map(NoteKey.parse, keys)) or _trusted(load(_ops(home)))))
    if although_recalled != bool(reason):
        raise click.UsageError("Say --reason with --although-recalled, and with nothing else.")
    now_ms = time.time_ns() // 1_000_000
    wanted = Wanted(referral_id=asked, by=by, purpose=stated(purpose), now_ms=now_ms, although=reason)
    settings = load(_ops(home))
    signer = Signer.of(settings.trust, OPS, lambda: now_ms)
    if signer is None:
        raise Broken("The settings name no keys. Write them anew: tocsin up", code="keys.no_settings")
    dossier = gather(settings, wanted)
    folder = out or Path(f"dossier-{dossier.referral_id}")
    written(files_of(dossier, _trusted(settings), signer.note), folder)
    click.echo(f"Print {folder / PAGE}; hand over the whole folder. Next: tocsin dossier {folder} --check")
    if not dossier.fits_the_log:
        click.echo("The bytes on the topic are not those that the log commits to.", err=True)
        sys.exit(DOES_NOT_HOLD)


def _checked(folder: Path, keys: tuple[NoteKey, ...]) -> int:
    found = list(faults(folder, keys))
    for fault in found or [f"It holds: the files are those that {folder / NOTE} signs, and the log commits to them."]:
        click.echo(fault)
    return DOES_NOT_HOLD if found else 0


def _trusted(settings: Settings) -> tuple[NoteKey, ...]:
    """Those that sign dossiers, and those that sign checkpoints."""
    current = directory_of(settings.trust)
    if current is None:
        raise Broken("The settings name no keys. Write them anew: tocsin up", code="keys.no_settings")
    return (*keys_in(current()), *keys_of(current()))


def _ops(home: Path) -> Path:
    return home / "config" / "ops.toml"
