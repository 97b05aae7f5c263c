"""Topics and who may touch them: names, settings and access rules as tables, from the list of members."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import JurisdictionCode, MemberId

TRIAGED: Final = "triaged.v1"
RULINGS: Final = "rulings.v1"
"""Decisions to be made again; for operators and processes only."""
DEAD_LETTER_PREFIX: Final = "dlq."
TRIAGE, RETURNS, OPS = MemberId("triage"), MemberId("returns"), MemberId("ops")
METRICS = MemberId("metrics")
PROCESSES: Final = (TRIAGE, RETURNS, OPS)
"""Principals that are no members; `ops` is the broker's super user."""
WATCHERS: Final = (METRICS,)
"""Principals that see how much there is and cannot read any of it: no database, no key of their own."""

BATCH_MAX_BYTES: Final = 1_048_576
"""Kafka's limit is on a batch, not on a record: below a client's default batch size, whole batches would be refused."""
SEGMENT_MS: Final = 24 * 3600 * 1000
"""Kafka deletes whole segments, once the youngest record in them is old enough."""
RETENTION_MS: Final = 28 * SEGMENT_MS
LONGEST_MS: Final = RETENTION_MS + 2 * SEGMENT_MS
"""No record lives longer: its own retention, the rest of its segment, and a day for checks that are late."""


class MemberTopics(Struct, frozen=True, kw_only=True, gc=False):
    """What the topic table needs to know of a member."""

    member_id: MemberId
    jurisdiction: JurisdictionCode
    submits: bool
    receives: bool


class TopicSpec(Struct, frozen=True, kw_only=True, gc=False):
    """One topic as it must be; an ops tool makes it so."""

    name: str
    partitions: int
    config: dict[str, str]


def submitted_topic(member: MemberId) -> str:
    """Where a member publishes; the broker proves who wrote, because nobody else may."""
    return f"reports.{member}.submitted.v1"


def escalated_topic(member: MemberId) -> str:
    """Where a member publishes what cannot wait behind its own backlog."""
    return f"reports.{member}.escalated.v1"


def referral_topic(jurisdiction: JurisdictionCode, member: MemberId) -> str:
    """Where a member finds its referrals."""
    return f"referrals.{jurisdiction}.{member}.v1"


def urgent_topic(jurisdiction: JurisdictionCode, member: MemberId) -> str:
    """Where a member finds its urgent referrals."""
    return f"referrals.{jurisdiction}.{member}.urgent.v1"


def status_topic(member: MemberId) -> str:
    """Where a member is told what became of its reports and referrals."""
    return f"status.{member}.v1"


def returns_topic(member: MemberId) -> str:
    """Where a member answers."""
    return f"returns.{member}.v1"


def dead_letter_topic(source: str) -> str:
    """Where what could not be processed lies, for the operator only."""
    return f"{DEAD_LETTER_PREFIX}{source}"


def topics_of(member: MemberTopics) -> tuple[str, ...]:
    """Every topic of one member, without dead letters."""
    own = [status_topic(member.member_id), returns_topic(member.member_id)]
    if member.submits:
        own += [submitted_topic(member.member_id), escalated_topic(member.member_id)]
    if member.receives:
        place = (member.jurisdiction, member.member_id)
        own += [referral_topic(*place), urgent_topic(*place)]
    return tuple(sorted(own))


def topics_by_worker(members: Iterable[MemberTopics]) -> dict[str, frozenset[str]]:
    """What each kind of worker reads of members, by the beginning of its name."""
    everybody = tuple(members)
    submitters = [one.member_id for one in everybody if one.submits]
    return {
        "triage-normal-": frozenset(map(submitted_topic, submitters)),
        "triage-escalated-": frozenset(map(escalated_topic, submitters)),
        "returns-": frozenset(returns_topic(one.member_id) for one in everybody),
    }


def topic_table(members: Iterable[MemberTopics], partitions: int = 2) -> tuple[TopicSpec, ...]:
    """Every topic of the exchange, sorted by name."""
    names = {TRIAGED, RULINGS, dead_letter_topic(RULINGS)}
    for member in members:
        own = topics_of(member)
        names.update(own)
        names.update(dead_letter_topic(name) for name in own if name.startswith(("reports.", "returns.")))
    return tuple(_spec(name, partitions) for name in sorted(names))


def _spec(name: str, partitions: int) -> TopicSpec:
    return TopicSpec(
        name=name,
        partitions=partitions,
        config={
            # CreateTime would let a record stamped in the past vanish unread at the next retention check.
            "message.timestamp.type": "LogAppendTime",
            "cleanup.policy": "delete",
            "retention.ms": str(RETENTION_MS),
            "segment.ms": str(SEGMENT_MS),
            "max.message.bytes": str(BATCH_MAX_BYTES),
        },
    )


class Resource(StrEnum):
    """What an access rule is about."""

    TOPIC = "TOPIC"
    GROUP = "GROUP"


class Operation(StrEnum):
    """What an access rule allows; READ and WRITE imply DESCRIBE on Kafka."""

    READ = "READ"
    WRITE = "WRITE"
    DESCRIBE = "DESCRIBE"


class AclGrant(Struct, frozen=True, kw_only=True, order=True, gc=False):
    """One thing that one principal may do; what is not granted is denied."""

    principal: MemberId
    resource: Resource
    name: str
    prefixed: bool = False
    operation: Operation


def acl_table(members: Iterable[MemberTopics]) -> tuple[AclGrant, ...]:
    """Every grant of the exchange, sorted."""
    grants = list(_PROCESS_GRANTS)
    for member in members:
        grants += _member_grants(member)
    return tuple(sorted(grants))


def _grant(principal: MemberId, operation: Operation, name: str, *, prefixed: bool = False) -> AclGrant:
    return AclGrant(principal=principal, resource=Resource.TOPIC, name=name, prefixed=prefixed, operation=operation)


def _group(principal: MemberId) -> AclGrant:
    return AclGrant(
        principal=principal, resource=Resource.GROUP, name=f"{principal}.", prefixed=True, operation=Operation.READ
    )


_PROCESS_GRANTS: Final = (
    _grant(TRIAGE, Operation.READ, "reports.", prefixed=True),
    *(_grant(TRIAGE, Operation.WRITE, name, prefixed=True) for name in ("referrals.", "status.", DEAD_LETTER_PREFIX)),
    _grant(TRIAGE, Operation.WRITE, TRIAGED),
    _grant(TRIAGE, Operation.READ, RULINGS),
    _grant(RETURNS, Operation.WRITE, RULINGS),
    _group(TRIAGE),
    _grant(RETURNS, Operation.READ, "returns.", prefixed=True),
    *(_grant(RETURNS, Operation.WRITE, name, prefixed=True) for name in ("status.", DEAD_LETTER_PREFIX)),
    _group(RETURNS),
    *(
        _grant(METRICS, Operation.DESCRIBE, name, prefixed=True)
        for name in ("reports.", "returns.", "referrals.", "status.", DEAD_LETTER_PREFIX)
    ),
    *(_grant(METRICS, Operation.DESCRIBE, name) for name in (TRIAGED, RULINGS)),
    AclGrant(principal=METRICS, resource=Resource.GROUP, name="*", operation=Operation.DESCRIBE),
)


def _member_grants(member: MemberTopics) -> list[AclGrant]:
    operations = {
        "reports": Operation.WRITE,
        "returns": Operation.WRITE,
        "referrals": Operation.READ,
        "status": Operation.READ,
    }
    own = [_grant(member.member_id, operations[name.split(".")[0]], name) for name in topics_of(member)]
    return [*own, _group(member.member_id)]
