"""`tocsin receipts`: who said and got what of one report, each signature verified."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from msgspec.structs import replace

from consumers.provenance import Provenance
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, ReportId
from tocsin.cli.auditing.person import BY, PURPOSE, note
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.database import one_transaction
from tocsin.runtime.settings import Settings, load
from tocsin.stack.receipts import GONE, Link, chain, report_of, seen_by


@click.command()
@click.argument("report_id")
@click.option("--for", "member", default="", help="As this member may have it: its own part, and no other's name.")
@click.option("--json", "as_json", is_flag=True, help="One object a link, with coordinate and SHA-256.")
@BY
@PURPOSE
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(report_id: str, member: str, as_json: bool, by: str, purpose: str, home: Path) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Show the chain of REPORT_ID (or of a referral's id): submission, decision, referrals, and what came back.

    Each link is read where it lies and its signature is verified with the directory of keys, also where the key was
    exchanged since; decisions and referrals are held against the digests in the audit log as well. Personal parts are
    sealed to their recipients, and signed apart for them alone: `tocsin verify` there says more. `delivered` is a
    machine's word, `taken_up` a person's. Topics live 30 days: of what is older, the ledger's row is left, and that is
    said. Exit code 3 where a link does not verify. That you looked is noted in the audit log, with your name and
    purpose.
    """
    settings = load(home / "config" / "ops.toml")
    reading = Reading(person=by, purpose=purpose, command="receipts", what="", member=MemberId(member))
    _note(settings, report_id, reading)
    links: Sequence[Link] = chain(settings, report_id)
    if member:
        links = seen_by(links, MemberId(member))
        if not links:
            raise Refused(f"{member} neither submitted nor got this report.", code="receipts.not_yours")
    for link in links:
        click.echo(msgspec.json.encode(link).decode() if as_json else _as_line(link))
    if not as_json and any(link.proof == GONE for link in links):
        click.echo(message("receipts.gone"))
    if not as_json and any(Provenance.SEALED in link.personal for link in links):
        click.echo(message("receipts.sealed_part"), err=True)
    raise SystemExit(0 if all(link.holds for link in links) else 3)


def _note(settings: Settings, asked: str, reading: Reading) -> None:
    """Raises Refused where nothing of that id is known; whoever asked for nothing has looked at nothing."""
    with one_transaction(settings) as connection:
        report = ReportId(report_of(connection, asked))
        note(connection, replace(reading, what=f"the receipts of report {report}", report=report))


def _as_line(link: Link) -> str:
    at = datetime.fromtimestamp(link.at_ms / 1000, UTC).isoformat(timespec="seconds") if link.at_ms else "-"
    words = (
        at,
        f"{link.what} {'to' if link.what in _SENT else 'by'} {link.member}{' (a person)' if link.by_person else ''}",
        f"revision {link.revision}",
        link.proof.upper() + (f": {', '.join(link.altered)}" if link.altered else ""),
        f"key {link.key_id}" if link.key_id else "",
        *(f"personal part {each.upper()}" for each in link.personal),
        f"{link.place.topic}[{link.place.partition}]@{link.place.offset}" if link.place.topic else "",
        f"sha256 {link.sha256[:16]}" if link.sha256 and link.place.topic else "",
    )
    return "  ".join(filter(None, words))


_SENT = frozenset({"referred", "recalled"})
