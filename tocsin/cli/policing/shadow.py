"""`tocsin policy shadow`: what a bundle would have decided otherwise."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.cli.auditing.person import BY, PURPOSE, note
from tocsin.cli.policing.homes import HOME, bundle_named, instant_ms, now_ms
from tocsin.cli.policing.progress import counting
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import policies
from tocsin.runtime.audit.statements import Reading, Span
from tocsin.runtime.database import one_transaction
from tocsin.runtime.settings import load as load_settings
from tocsin.stack.past import Range
from tocsin.stack.shadowing import Case, Shadow
from tocsin.stack.shadowing import shadow as shadowed


@click.command()
@click.option("--policy", required=True, help="The bundle to try: a folder, or a digest of the store.")
@click.option("--from", "since", required=True, help="First instant, with its offset: 2026-11-01T00:00:00Z.")
@click.option("--until", default="", help="First instant that is not looked at; now by default.")
@click.option("--json", "as_json", is_flag=True, help="One object: counts, and every record that differs.")
@BY
@PURPOSE
@HOME
def shadow(policy: str, since: str, until: str, as_json: bool, by: str, purpose: str, home: Path) -> None:  # noqa: PLR0913, PLR0917  # one parameter a documented option
    """Decide a past range again under another bundle, in isolation, and say what differs.

    Topics are read as they lie and nothing of it is written: no referral, no status, no sighting. What other reports
    said is taken from what was recorded. Each record is held against the bundle that decided it. The same range and
    bundle give the same bytes. Tiers advise; a person decides. It says of each report whom it would go to: that you
    looked is noted in the audit log, with the range, your name and purpose.
    """
    ops = load_settings(home / "config" / "ops.toml")
    at_ms = now_ms()
    span = Range(from_ms=instant_ms(since), until_ms=instant_ms(until) if until else at_ms)
    if not span.from_ms < span.until_ms <= at_ms:
        raise Refused(message("shadow.range"), code="shadow.range")
    rules, bundle = policies(ops.policy, ops.policy_trust), bundle_named(policy, home)
    with one_transaction(ops) as connection:
        note(connection, _reading(span, bundle, by, purpose))
    with counting() as progress:
        found = shadowed(ops, bundle, rules, span, progress)
    click.echo(msgspec.json.encode(found).decode() if as_json else "\n".join(_told(found)))


def _reading(span: Range, bundle: Bundle, by: str, purpose: str) -> Reading:
    """Noted before the range is read: it may take minutes, and nobody sees any of it unnoted."""
    return Reading(
        person=by,
        purpose=purpose,
        command="policy shadow",
        what=f"what bundle {bundle.digest[:16]} would decide otherwise of all reports, {_words(span)}",
        span=Span(since_ms=span.from_ms, until_ms=span.until_ms),
    )


def _words(span: Range) -> str:
    """To the second."""
    return " to ".join(
        datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds") for at in (span.from_ms, span.until_ms)
    )


def _told(found: Shadow) -> Iterator[str]:
    span = Range(from_ms=found.from_ms, until_ms=found.until_ms)
    yield f"Bundle {found.policy[:16]} on {found.records} records, {_words(span)}."
    if found.undecided:
        yield f"{found.undecided} were refused, or not triaged yet: what other reports said is unknown there."
    if found.not_reproduced:
        yield f"{found.not_reproduced} were decided by bundles that are not in the store; the one in force stands in."
    for kind, count in found.changed.items():
        yield f"\n{kind}: {count} differ"
        for case in found.examples(kind):
            yield from (f"  {line}" for line in _case(case, kind))
    yield f"\n{len(found.cases)} of {found.records} records are decided otherwise. Nothing was written."
    yield message("tiers.advise")


def _case(case: Case, kind: str) -> Iterator[str]:
    name = f"{case.submitter} {case.reference or case.place}"
    found = case.difference
    pair = {"refused": found.refused, "outcome": found.outcome, "tier": found.tier}.get(kind)
    if pair:
        yield f"{name}: {pair[0] or 'goes on'} -> {pair[1] or 'goes on'}"
    if kind == "verdict":
        yield from (f"{name}: {what}: {old} -> {new}" for what, (old, new) in found.verdicts.items())
    if kind == "members":
        yield f"{name}: {', '.join([*(f'+{m}' for m in found.gains), *(f'-{m}' for m in found.loses)])}"
    if kind == "fields":
        for member, (more, less) in found.fields.items():
            yield f"{name}, {member}: {', '.join([*(f'+{one}' for one in more), *(f'-{one}' for one in less)])}"
