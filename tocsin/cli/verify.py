"""`tocsin verify`: whether referrals say what their submitters signed."""

from collections.abc import Iterator
from pathlib import Path

import click
import msgspec

from consumers.provenance import Finding, examined, sentence
from schemas.failures import Refused
from schemas.records.identifiers import ReferralId
from schemas.records.referral import Referral
from tocsin.cli.receiving.referral_files import referrals_in
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.keys.publishing import DirectoryFile, directory_of
from tocsin.runtime.settings import load


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one referral."""

    referral_id: ReferralId
    finding: Finding
    sentence: str


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, allow_dash=True))
@click.option("--as", "member", default="", help="Whose settings name the key directory; by default the recipient's.")
@click.option("--directory", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The key directory.")
@click.option("--keeper", default="", help="The keeper's verifying key for it, as it was handed to you.")
@click.option("--json", "as_json", is_flag=True, help="One object a referral, with the path of every field.")
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917 -- one parameter a documented option
    files: tuple[Path, ...], member: str, directory: Path | None, keeper: str, as_json: bool, home: Path
) -> None:
    """Check that referrals in FILES say what their submitters signed, field by field.

    FILES are what a sink was given as JSON, or lines of `tocsin subscribe --json`. Nobody is asked and nothing is sent:
    the directory of keys, which its keeper signed, is enough. What names persons was signed apart and is told apart.
    Fields that the exchange decided (priority, verdicts, links) are nobody's signature. Exit code 3 where a referral is
    not verified, or its personal part is not.
    """
    if bool(directory) != bool(keeper):
        raise click.UsageError("--directory and --keeper go together: the one is verified with the other.")
    given = DirectoryFile(directory, NoteKey.parse(keeper)).current() if directory else None
    all_verified = True
    for referral in _all(files):
        finding = examined(referral, given or _own(home, member or referral.recipient))
        all_verified &= finding.is_verified
        click.echo(_as_json(referral, finding) if as_json else _as_line(referral, finding))
    raise SystemExit(0 if all_verified else 3)


def _all(files: tuple[Path, ...]) -> Iterator[Referral]:
    for file in files:
        yield from referrals_in(file)


def _own(home: Path, member: str) -> Directory:
    current = directory_of(load(home / "config" / f"{member}.toml").trust)
    if current is None:
        raise Refused(
            f"The settings of {member} name no key directory. Give one: --directory FILE --keeper KEY",
            code="verify.no_directory",
        )
    return current()


def _as_json(referral: Referral, finding: Finding) -> str:
    told = Verified(referral_id=referral.referral_id, finding=finding, sentence=sentence(finding))
    return msgspec.json.encode(told).decode()


def _as_line(referral: Referral, finding: Finding) -> str:
    words = (finding.provenance.upper(), *(f"PERSONAL PART {each.provenance.upper()}" for each in finding.personal))
    return f"{referral.referral_id}  {', '.join(words)}  {sentence(finding)}"
