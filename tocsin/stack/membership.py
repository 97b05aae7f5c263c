"""Who takes part, as the operator acts on it: suspensions and leavings in the ledger and on the broker, at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct
from sqlalchemy import Connection

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from schemas.topics import MemberTopics
from tocsin.policy.bundle import Bundle
from tocsin.policy.policies import policies, topics_of
from tocsin.runtime.audit.recording import record_act
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger import leaving
from tocsin.runtime.ledger.leaving import Closed
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.ledger.suspensions import Kind, Suspension, barred, lift, suspend, suspensions
from tocsin.runtime.settings import Settings
from tocsin.stack.provision import Plan, Provisioner

T = TypeVar("T")

_Done: TypeAlias = tuple[str, tuple[str, str]]
"""A command, and what it does: the words before and after the member."""
_DONE: Final[Mapping[Kind, _Done]] = {
    Kind.SUSPENDED: ("member suspend", ("suspended", "")),
    Kind.LEFT: ("member leave", ("saw", " off for good")),
}
"""Of each way to bar a member, the command and what it does."""


class Barring(Struct, frozen=True, kw_only=True):
    """What barring a member did."""

    cases: Closed
    revoked: int
    """Access rules that the broker had for it."""


def barred_now(settings: Settings) -> frozenset[MemberId]:
    """Who may touch nothing; raises Temporary where the database is away."""
    return frozenset(_asked(settings, barred))


def suspensions_now(settings: Settings) -> Sequence[Suspension]:
    """Every one in force, by member."""
    return _asked(settings, suspensions)


def bar(settings: Settings, member: MemberId, kind: Kind, excuse: Excuse) -> Barring:
    """From now on it gets and sends nothing: first in the ledger, so that the next record knows, then on the broker."""
    require_known(latest(settings), member)

    def bar_it(connection: Connection) -> Closed:
        suspend(connection, member, kind, excuse)
        _note(connection, member, _DONE[kind], excuse)
        queued = leaving.queue_open_cases(connection, member)
        return Closed(queued=queued, ended=leaving.end_cases(connection, member) if kind is Kind.LEFT else 0)

    cases = _asked(settings, bar_it)
    provisioner = Provisioner(settings.kafka.client())
    plan = provisioner.plan(everybody(settings), barred_now(settings))
    mine = tuple(grant for grant in plan.excess_grants if grant.principal == member)
    provisioner.apply(Plan(excess_grants=mine))
    return Barring(cases=cases, revoked=len(mine))


def unbar(settings: Settings, member: MemberId, excuse: Excuse) -> int:
    """It takes part again; tells how many access rules it got back."""

    def lift_it(connection: Connection) -> None:
        lift(connection, member, excuse)
        _note(connection, member, ("member resume", ("ended the suspension of", "")), excuse)

    _asked(settings, lift_it)
    provisioner = Provisioner(settings.kafka.client())
    plan = plan_for(provisioner.plan(everybody(settings), barred_now(settings)), member)
    provisioner.apply(plan)
    return len(plan.missing_grants)


def latest(settings: Settings) -> Bundle:
    """What was promoted last: who is in it is a member, also before it takes effect."""
    return policies(settings.policy, settings.policy_trust).from_now_on(_now_ms())[-1]


def everybody(settings: Settings) -> tuple[MemberTopics, ...]:
    """Whoever needs topics now or soon."""
    return topics_of(policies(settings.policy, settings.policy_trust).from_now_on(_now_ms()))


def plan_for(plan: Plan, member: MemberId) -> Plan:
    """The part of a plan that one member needs."""
    return Plan(
        missing_topics=tuple(spec for spec in plan.missing_topics if member in spec.name.split(".")),
        missing_grants=tuple(grant for grant in plan.missing_grants if grant.principal == member),
    )


def require_known(bundle: Bundle, member: MemberId) -> None:
    """Raises Refused where the bundle has no such member."""
    if member not in bundle.members:
        known = ", ".join(sorted(bundle.members))
        raise Refused(message("member.unknown", member=member, known=known), code="member.unknown")


def _note(connection: Connection, member: MemberId, done: _Done, excuse: Excuse) -> None:
    """In the transaction from whose end it counts."""
    command, (before, after) = done
    act = Act(person=excuse.by, reason=excuse.reason, command=command, what=f"{before} {member}{after}", member=member)
    record_act(connection, act, _now_ms())


def _now_ms() -> int:
    return int(time.time() * 1000)


def _asked(settings: Settings, ask: Callable[[Connection], T]) -> T:
    database = database_of(settings)
    try:
        with database.transaction() as connection:
            return ask(connection)
    finally:
        database.close()
