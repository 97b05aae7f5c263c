"""What each fact means: pure rules from facts to findings, each with the command that helps."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.topics import PROCESSES, TRIAGE
from tocsin.policy.members import Member
from tocsin.policy.store.promotions import Promotion, digest_at
from tocsin.policy.store.trust import NEEDED
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.ending import WARN_DAYS, ending, expiring, last_keys, left_days
from tocsin.runtime.keys.files import Use
from tocsin.runtime.ledger.workers import Worker
from tocsin.stack.certificates import RENEWED_BEFORE
from tocsin.stack.provision import Plan

_MOST_NAMED: Final = 5
_DIGEST_SHOWN: Final = 16
_TLS: Final = frozenset({"TLSv1.2", "TLSv1.3"})
_RENEWAL: Final = {
    "broker": "tocsin down, then tocsin up",
    "ca": "tocsin down, move the home's folder certificates away, then tocsin up",
}
"""Whose certificate a running stack does not exchange; everybody else's is new after `tocsin up`."""


class Level(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(Struct, frozen=True, kw_only=True):
    """One line of the doctor's report."""

    part: str
    level: Level
    says: str
    next_command: str = ""


class Group(Struct, frozen=True, kw_only=True):
    """A consumer group as the broker sees it."""

    name: str
    members: int
    lag: int
    """Records between the committed offsets and the ends; a hint, as our positions are kept elsewhere."""


def of_services(answers: Mapping[str, str]) -> Iterator[Finding]:
    """Each service with nothing, or with why it does not answer."""
    for name, trouble in answers.items():
        if trouble:
            yield Finding(part=name, level=Level.FAIL, says=trouble, next_command="tocsin up")
        else:
            yield Finding(part=name, level=Level.OK, says="answers")


def of_codec(engine: str) -> Finding:
    """What records are read and written with here."""
    slower = "; the compiled codec is not installed, or TOCSIN_CODEC says otherwise" if engine == "fastavro" else ""
    return Finding(part="codec", level=Level.OK, says=f"records are read and written by {engine}{slower}")


def of_certificates(expiries: Mapping[str, datetime], now: datetime) -> Iterator[Finding]:
    """Each principal's certificate by its last day; the good ones are one line together."""
    past = {name: end for name, end in expiries.items() if end <= now}
    soon = {name: end for name, end in expiries.items() if now < end <= now + RENEWED_BEFORE}
    for level, found, word in ((Level.FAIL, past, "ended"), (Level.WARN, soon, "ends")):
        for name, end in sorted(found.items()):
            says, renewal = f"{name}'s {word} on {end.date()}", _RENEWAL.get(name, "tocsin up")
            yield Finding(part="certificates", level=level, says=says, next_command=renewal)
    good = len(expiries) - len(past) - len(soon)
    if good:
        yield Finding(
            part="certificates", level=Level.OK, says=f"{good} valid for more than {RENEWED_BEFORE.days} days"
        )


def of_keys(directory: Directory, now_ms: int) -> Iterator[Finding]:
    """Each key that ends soon or has ended with nothing in its place; the good ones are one line together."""
    ends = expiring(directory, now_ms)
    for key in ends:
        level = Level.FAIL if key.principal in PROCESSES and left_days(key, now_ms) < 0 else Level.WARN
        says = f"the last key of {key.principal} to {key.use} {ending(key, now_ms)}"
        exchange = f"tocsin keys rotate --as {key.principal} --use {key.use}"
        yield Finding(part="keys", level=level, says=says, next_command=exchange)
    if directory.last(TRIAGE, Use.SEAL) is None:
        says = "triage has none to be sealed to: reports with a personal part come back unwritten"
        exchange = f"tocsin keys new --as {TRIAGE} --use {Use.SEAL}"
        yield Finding(part="keys", level=Level.FAIL, says=says, next_command=exchange)
    good = len(tuple(last_keys(directory))) - len(ends)
    if good:
        yield Finding(part="keys", level=Level.OK, says=f"{good} good for {WARN_DAYS} days or more")


def of_policy(chain: Sequence[Promotion], waiting: Iterable[Promotion], now_ms: int) -> Iterator[Finding]:
    """A store whose promotions and bundles all hold: what is in force, what comes, and what lacks a signature."""
    ahead = sum(one.takes_effect_ms > now_ms for one in chain)
    later = f", {ahead} of them for later" if ahead else ""
    says = f"bundle {digest_at(chain, now_ms)[:_DIGEST_SHOWN]} is in force; {len(chain)} verified{later}"
    yield Finding(part="policy", level=Level.OK, says=says)
    for proposal in waiting:
        digest = proposal.digest[:_DIGEST_SHOWN]
        if proposal.takes_effect_ms > now_ms:
            says, then = f"bundle {digest} waits for a second signature", f"tocsin policy sign {digest}"
        else:
            says, then = f"the instant of the proposed bundle {digest} is past", "tocsin policy promote"
        yield Finding(part="policy", level=Level.WARN, says=says, next_command=then)


def of_people(names: Sequence[str], *, local_stack: bool) -> Iterator[Finding]:
    """Whether two can sign for what nothing takes back (ADR 0029)."""
    if len(names) >= NEEDED:
        yield Finding(part="people", level=Level.OK, says=f"{len(names)} may sign: {', '.join(sorted(names))}")
    elif local_stack:
        says = "the trust file names fewer than two, so one name is enough on this local stack"
        yield Finding(part="people", level=Level.OK, says=says)
    else:
        says = (
            "the trust file names fewer than two, so nothing can be dropped, erased, recalled or promoted, and no key "
            "admitted or revoked"
        )
        yield Finding(part="people", level=Level.WARN, says=says, next_command="tocsin policy key FILE, by each of two")


def of_signing(submitters: Sequence[Member]) -> Iterator[Finding]:
    """Whether each that submits now has agreed to sign: else what anybody writes to its topic is believed."""
    unsigned = sorted(one.id for one in submitters if not one.signs)
    for name in unsigned:
        says = f"{name} submits and has not agreed to sign: whoever can write to its topic is believed"
        yield Finding(part="signing", level=Level.WARN, says=says, next_command=f"tocsin member check {name}")
    if not unsigned:
        yield Finding(part="signing", level=Level.OK, says=f"{len(submitters)} members submit, and each has to sign")


def of_sealing(submitters: Sequence[Member]) -> Iterator[Finding]:
    """Whether each that submits now has agreed to seal: else personal parts lie open; a canary names nobody."""
    named = [one for one in submitters if not one.canary]
    unsealed = sorted(one.id for one in named if not one.seals)
    for name in unsealed:
        says = f"{name} submits and has not agreed to seal: who runs broker or database reads whom its reports name"
        yield Finding(part="sealing", level=Level.WARN, says=says, next_command=f"tocsin member check {name}")
    if not unsealed:
        says = f"{len(named)} members submit what may name a person, and each has to seal it"
        yield Finding(part="sealing", level=Level.OK, says=says)


def of_erasures(came_back: int) -> Iterator[Finding]:
    """What the register of erasures says against what the database holds: an older backup brings reports back."""
    says = f"{came_back} reports that were erased are held again" if came_back else "nothing that was erased is held"
    yield _held_against("erasures", says, "tocsin erase --again" if came_back else "")


def of_restrictions(lost: int) -> Iterator[Finding]:
    """What the register of restrictions says against the ledger: an older backup gives reports out again."""
    says = f"{lost} restrictions are not as the register says" if lost else "every restriction is as the register says"
    yield _held_against("restrictions", says, "tocsin subject --again" if lost else "")


def _held_against(register: str, says: str, again: str) -> Finding:
    """What a register says and a backup of the database may have undone; `again` does it once more."""
    if not again:
        return Finding(part=register, level=Level.OK, says=says)
    why = f"{says}: the database was restored from an older backup"
    return Finding(part=register, level=Level.FAIL, says=why, next_command=again)


def of_folder(digest: str) -> Iterator[Finding]:
    """A plain folder is one bundle for all time."""
    yield Finding(part="policy", level=Level.OK, says=f"bundle {digest[:_DIGEST_SHOWN]}, a plain folder")


def of_policy_trouble(trouble: str) -> Iterator[Finding]:
    """No process decides by it; what it says names what to restore."""
    yield Finding(part="policy", level=Level.FAIL, says=trouble, next_command="tocsin doctor, once it is restored")


def of_plan(plan: Plan) -> Iterator[Finding]:
    """Topics and access rules against the tables."""
    wrong = {
        "topics": [
            *(f"{spec.name} is missing" for spec in plan.missing_topics),
            *(f"{spec.name} is configured otherwise" for spec in plan.changed_topics),
            *(f"{spec.name} has too few partitions" for spec in plan.few_partitions),
        ],
        "access rules": [
            *(f"{grant.principal} lacks {grant.operation} on {grant.name}" for grant in plan.missing_grants),
            *(
                f"{grant.principal} has {grant.operation} on {grant.name} beyond the table"
                for grant in plan.excess_grants
            ),
        ],
    }
    for part, found in wrong.items():
        if found:
            yield Finding(part=part, level=Level.FAIL, says=_listed(found), next_command="tocsin acl apply")
        else:
            yield Finding(part=part, level=Level.OK, says="as the tables say")
    if plan.kept_topics:
        says = f"kept whatever its age: {_listed(plan.kept_topics)}"
        ends = f"when nobody needs it any more: tocsin acl apply --end-keeping {plan.kept_topics[0]}"
        yield Finding(part="topics", level=Level.WARN, says=says, next_command=ends)
    if plan.unknown_topics:
        yield Finding(part="topics", level=Level.WARN, says=f"in no table: {_listed(plan.unknown_topics)}")


def of_schemas(wanted: Collection[str], found: Collection[str]) -> Finding:
    """Every subject that our records need."""
    missing = sorted(set(wanted) - set(found))
    if missing:
        return Finding(
            part="schemas", level=Level.FAIL, says=f"not registered: {_listed(missing)}", next_command="tocsin up"
        )
    return Finding(part="schemas", level=Level.OK, says=f"{len(wanted)} registered")


def of_migrations(current: str | None, head: str | None) -> Finding:
    """The database's revision against the one of this release."""
    if current != head:
        says = f"the database is at {current or 'nothing'}, this release wants {head}"
        return Finding(part="migrations", level=Level.FAIL, says=says, next_command="tocsin up")
    return Finding(part="migrations", level=Level.OK, says=f"at {head}")


def of_connection(version: str | None, *, on_network: bool) -> Finding:
    """What the database says of the doctor's own connection: which TLS, and plain only on a Unix socket."""
    part = "database TLS"
    if version in _TLS:
        return Finding(part=part, level=Level.OK, says=version)
    if version is None and not on_network:
        return Finding(part=part, level=Level.OK, says="none, on a Unix socket of this machine")
    says = f"the database wants TLSv1.2 or TLSv1.3 on every connection, found {version or 'none'}"
    next_command = "set ssl = on and ssl_min_protocol_version = 'TLSv1.2' at the server, then tocsin doctor"
    return Finding(part=part, level=Level.FAIL, says=says, next_command=next_command)


def of_groups(groups: Iterable[Group]) -> Iterator[Finding]:
    """Groups that have work and nobody to do it."""
    groups = list(groups)
    idle = [group for group in groups if group.lag and not group.members]
    for group in sorted(idle, key=lambda one: one.name):
        yield Finding(
            part="groups",
            level=Level.WARN,
            says=f"{group.name} has {group.lag} records waiting and no process",
            next_command=_starter(group.name),
        )
    busy = sum(bool(group.members) for group in groups)
    yield Finding(part="groups", level=Level.OK, says=f"{busy} of {len(groups)} have a process")


def of_workers(workers: Iterable[Worker], needed: Mapping[str, frozenset[str]], policy: str) -> Iterator[Finding]:
    """Each worker with the bundle it decides by; one that began before a member came may not read its topics yet.

    `needed` has the topics of each kind of worker, by the beginning of its name.
    """
    for worker in workers:
        wanted = next((topics for kind, topics in needed.items() if worker.instance.startswith(kind)), frozenset())
        missing = sorted(wanted - set(worker.topics))
        says = f"{worker.instance} runs with bundle {worker.policy[:_DIGEST_SHOWN]}"
        if missing:
            says = f"{says} and does not read {_listed(missing)}: those members came since it began"
            next_command = "tocsin acl apply, then tocsin doctor again in 20 s"
            yield Finding(part="workers", level=Level.WARN, says=says, next_command=next_command)
        elif worker.policy != policy:
            says = f"{says}, and {policy[:_DIGEST_SHOWN]} is in force"
            yield Finding(part="workers", level=Level.WARN, says=says, next_command="tocsin doctor, again in 10 s")
        else:
            yield Finding(part="workers", level=Level.OK, says=says)


def worst(findings: Iterable[Finding]) -> Level:
    """The gravest level of all."""
    return max((finding.level for finding in findings), key=list(Level).index, default=Level.OK)


def _starter(group: str) -> str:
    """The command that runs the group's process."""
    owner, _, rest = group.partition(".")
    if owner == "triage":
        return f"tocsin triage --lane {rest}"
    return "tocsin returns" if owner == "returns" else f"tocsin deliver {owner}"


def _listed(names: Collection[str]) -> str:
    shown = ", ".join(list(names)[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown} and {len(names) - _MOST_NAMED} more"
