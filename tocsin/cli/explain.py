"""`tocsin explain`: why a report was decided as it was."""

import time
from pathlib import Path
from typing import Final

import click
import msgspec
from msgspec import Struct
from rich.console import Console
from rich.tree import Tree

from processors.evaluation.running import Runner
from processors.explaining import Decided, Node, evidence_of, explained, explained_for
from schemas.catalogue import message
from schemas.failures import Refused, Unreadable
from schemas.records.identifiers import MemberId
from schemas.records.report import PersonalPart
from schemas.records.triage import ReportTriaged
from schemas.sealing import is_sealed
from tocsin.cli.auditing.person import BY, PURPOSE_OF_A_READ, stated
from tocsin.cli.evaluating.submissions import submission_of
from tocsin.policy.bundle import SAMPLE, Bundle
from tocsin.policy.policies import Policies, policies
from tocsin.runtime.audit.statements import Reading
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.settings import load as load_settings
from tocsin.stack.decisions import Recorded, decisions

_WIDE: Final = 1_000
"""Columns where no terminal says how many: a tree is cut at its width, and nothing of a decision may be."""


@click.command()
@click.argument("asked")
@click.option(
    "--for",
    "audience",
    default="",
    help="As this member may see it: a recipient its own referral, the submitter what its status says.",
)
@click.option("--although-recalled", is_flag=True, help="With --for: also what was taken back; needs --reason.")
@click.option("--reason", default="", help="Why although it was taken back; the audit log keeps it.")
@click.option("--policy", type=click.Path(path_type=Path), help="For a file: the bundle to decide by; else the home's.")
@click.option("--json", "as_json", is_flag=True, help="The tree as one object.")
@BY
@PURPOSE_OF_A_READ
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(  # noqa: PLR0913, PLR0917 -- one parameter a documented option
    asked: str,
    audience: str,
    although_recalled: bool,
    reason: str,
    policy: Path | None,
    as_json: bool,
    by: str,
    purpose: str,
    home: Path,
) -> None:
    """Show the decision on ASKED as a tree: evidence, rules, versions, who was considered and why not.

    ASKED is a report id, a referral id or a submitter's reference (the decision as it was recorded), or a file with one
    report as JSON, as `tocsin template json` explains it, with `submitter` beside it (how it would be decided now;
    nothing is published). Tiers advise; a person decides. What was taken back from a recipient is shown with --for it
    only where that is needed all the same: --although-recalled and --reason.
    """
    if although_recalled != bool(reason):
        raise click.UsageError("Say --reason with --although-recalled, and with nothing else.")
    settings = home / "config" / "ops.toml"
    chosen = policy or (load_settings(settings).policy if settings.exists() else SAMPLE)
    rules = policies(chosen, load_settings(settings).policy_trust if settings.exists() else None)
    bundle = rules.at(_now_ms())
    file = Path(asked)
    if file.is_file():
        decided = _from_file(file, bundle)
    else:
        look = Look(by=by, purpose=stated(purpose), audience=MemberId(audience), although=reason)
        decided = _recorded(asked, settings, rules, look)
    node = explained_for(decided, MemberId(audience)) if audience else explained(decided, bundle)
    if as_json:
        click.echo(msgspec.json.encode(node).decode())
    else:
        Console(width=None if Console().is_terminal else _WIDE).print(_tree(node))


def _from_file(file: Path, bundle: Bundle) -> Decided:
    try:
        written = msgspec.json.decode(file.read_bytes(), type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(
            f"{file.name}: expected one report as a JSON object, found {error}.", code="explain.file"
        ) from error
    directory = FixedDirectory()
    runner = Runner(bundle, RecordCodec(directory), directory.id_of(PersonalPart))
    decided = runner.decided(written, submission_of, int(time.time() * 1000))
    if isinstance(decided, str):
        raise Refused(message(decided), code=decided)
    return decided


class Look(Struct, frozen=True, kw_only=True):
    """Who looks, why, as whom it is shown, and why although it was taken back from that member."""

    by: str
    purpose: str
    audience: MemberId
    although: str


def _recorded(asked: str, settings: Path, rules: Policies, look: Look) -> Decided:
    with decisions(load_settings(settings)) as read:
        found = read.find(asked)
        recalled = any(read.is_taken_back(one.referral_id) for one in found.referrals if one.recipient == look.audience)
        if recalled and not look.although:
            raise Refused(message("explain.recalled"), code="explain.recalled")
        why = f"{look.purpose}; although it was recalled: {look.although}" if recalled else look.purpose
        read.note(_reading(found.triaged, look.by, why), int(time.time() * 1000))
    said = tuple(f"{one.at:%Y-%m-%d %H:%M}: {one.cause}, by {one.by}. {one.reason}".strip() for one in found.said)
    evidence = _evidence(found, rules, Opener.beside_triage(load_settings(settings).trust, _now_ms))
    return Decided(triaged=found.triaged, referrals=found.referrals, evidence=evidence, said=said)


def _reading(triaged: ReportTriaged, by: str, purpose: str) -> Reading:
    what = f"the decision on report {triaged.report_id}"
    return Reading(person=by, purpose=purpose, command="explain", what=what, report=triaged.report_id)


def _evidence(found: Recorded, rules: Policies, opener: Opener | None) -> tuple | None:  # type: ignore[type-arg]  # see explaining.Decided
    """Evidence is not recorded: it is read from the record again, by the bundle that decided."""
    bundle, record = rules.of(found.triaged.policy.bundle), found.record
    if record is None or bundle is None:
        return None
    at_ms = found.triaged.triaged_as_of.epoch_ms
    try:
        record = opener.report(record, at_ms) if opener else record
    except Unreadable as failure:
        click.echo(str(failure), err=True)
    if opener is None and is_sealed(record.sealed):
        click.echo(message("sealed.closed"), err=True)
    return evidence_of(record, bundle, at_ms)


def _now_ms() -> int:
    return int(time.time() * 1000)


def _tree(node: Node) -> Tree:
    tree = Tree(node.title, highlight=False)
    for child in node.children:
        tree.add(_tree(child))
    return tree
