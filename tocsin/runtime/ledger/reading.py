"""Read the ledger, the broker's offsets and the age of what waits there, for a balance."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from msgspec.structs import replace
from sqlalchemy import Connection, text

from schemas.failures import Temporary
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.ages import appended_at
from tocsin.runtime.ledger.balance import (
    Balance,
    Block,
    Count,
    ReferralCount,
    StreamFacts,
    line_of,
    settled_until,
    waits,
)
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.cluster import topic_ids_of

_TIMEOUT_SECONDS: Final = 30.0

Offsets = Mapping[tuple[str, int], tuple[int, int]]
"""Log start and end by topic and partition."""


def broker_offsets(kafka: KafkaSettings, topics: Sequence[str]) -> Offsets:
    """Log start and end of every partition; raises Temporary where the broker is away."""
    consumer = Consumer(kafka.client() | {"group.id": "ops.ledger", "enable.auto.commit": False})
    try:
        known = consumer.list_topics(timeout=_TIMEOUT_SECONDS).topics
        return {
            (topic, partition): _watermarks(consumer, topic, partition)
            for topic in topics
            for partition in known[topic].partitions
        }
    except KafkaException as error:
        raise Temporary("The broker does not answer. Check: tocsin status", code="kafka.away") from error
    finally:
        consumer.close()


def read_balance(
    database: Database, kafka: KafkaSettings, topics: Sequence[str], canaries: Sequence[str] = ()
) -> Balance:
    """The balance of these topics; the ledger is read first, so that what is settled meanwhile counts as waiting.

    Referrals of the members that send canaries are not counted (ADR 0043); their records are, as lines of their own.
    """
    with database.transaction() as connection:
        connection.execute(_ONE_MOMENT)
        streams = _streams(connection)
        blocks = _blocks(connection)
        outcomes = _outcomes(connection)
        referrals = _referrals(connection, canaries)
        urgent = tuple(row.name for row in connection.execute(_URGENT_WITHOUT))
        bare = tuple(row.name for row in connection.execute(_ROUTED_WITHOUT, {"topics": list(topics)}))
    offsets, ids = broker_offsets(kafka, topics), topic_ids_of(kafka, topics)
    read = (streams, blocks, outcomes, ids)
    found = [_facts(topic, partition, span, read) for (topic, partition), span in sorted(offsets.items())]
    facts: dict[str, list[StreamFacts]] = defaultdict(list)
    for stream in _with_ages(found, kafka):
        facts[stream.topic].append(stream)
    return Balance(
        lines=tuple(line_of(topic, facts[topic]) for topic in topics),
        referrals=referrals,
        urgent_without_recipient=urgent,
        routed_without_referral=bare,
    )


def _with_ages(streams: Sequence[StreamFacts], kafka: KafkaSettings) -> list[StreamFacts]:
    """Each with the time of its first unsettled record."""
    firsts = {(each.topic, each.partition): max(settled_until(each), each.log_start) for each in streams if waits(each)}
    ages = appended_at(kafka, firsts)
    return [replace(each, oldest_waiting=ages.get((each.topic, each.partition))) for each in streams]


_Read = tuple[Any, Any, Any, Mapping[str, str]]


def _facts(topic: str, partition: int, span: tuple[int, int], read: _Read) -> StreamFacts:
    streams, blocks, outcomes, ids = read
    row = streams.get((topic, partition, ids[topic]))
    others = any(key[:2] == (topic, partition) and key[2] != ids[topic] for key in streams)
    return StreamFacts(
        topic=topic,
        partition=partition,
        log_start=span[0],
        log_end=span[1],
        first=row.first_offset if row else 0,
        blocks=blocks[row.stream] if row else (),
        outcomes=outcomes[row.stream] if row else {},
        topic_changed=others,
    )


def _watermarks(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    start, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_TIMEOUT_SECONDS)
    return int(start), int(end)


def _streams(connection: Connection) -> dict[tuple[str, int, str], Any]:
    rows = connection.execute(text("select stream, topic_id, topic, partition, first_offset from streams"))
    return {(row.topic, row.partition, row.topic_id): row for row in rows}


def _blocks(connection: Connection) -> Mapping[int, tuple[Block, ...]]:
    """Neighbouring blocks are merged by the database: a ledger of a month has many."""
    found: dict[int, list[Block]] = defaultdict(list)
    for row in connection.execute(_BLOCKS):
        found[row.stream].append(Block(row.first_offset, row.length))
    return defaultdict(tuple, {stream: tuple(blocks) for stream, blocks in found.items()})


def _outcomes(connection: Connection) -> Mapping[int, Mapping[Outcome, Count]]:
    found: dict[int, dict[Outcome, Count]] = defaultdict(dict)
    for row in connection.execute(_OUTCOMES):
        found[row.stream][Outcome(row.outcome)] = Count(records=int(row.records), oldest=row.oldest)
    return found


def _referrals(connection: Connection, canaries: Sequence[str]) -> tuple[ReferralCount, ...]:
    return tuple(
        ReferralCount(recipient=row.recipient, state=row.state, count=row.referrals, oldest=row.oldest)
        for row in connection.execute(_REFERRALS, {"canaries": list(canaries)})
    )


_ONE_MOMENT: Final = text("set transaction isolation level repeatable read")
"""All reads of a balance see the same ledger: a slice that settles between two of them would not add up."""
_BLOCKS: Final = text("""
    with marked as (
        select stream, first_offset, length(outcomes) as length,
               case when first_offset <= max(first_offset + length(outcomes)) over before then 0 else 1 end as begins
        from ledger_blocks
        window before as (partition by stream order by first_offset rows between unbounded preceding and 1 preceding)
    ),
    grouped as (
        select *, sum(begins) over (partition by stream order by first_offset) as run from marked
    )
    select stream, min(first_offset) as first_offset, max(first_offset + length) - min(first_offset) as length
    from grouped group by stream, run order by stream, first_offset
""")
_OUTCOMES: Final = text("""
    select stream, get_byte(outcomes, position) as outcome, count(distinct first_offset + position) as records,
           min(settled_at) as oldest
    from ledger_blocks, generate_series(0, length(outcomes) - 1) as position
    group by stream, outcome
""")
_REFERRALS: Final = text("""
    select recipient, state, count(*) as referrals, min(referred_at) as oldest
    from referrals where not (mark = 'TEST' and submitter = any(cast(:canaries as text[])))
    group by recipient, state order by recipient, state
""")
_ROUTED_WITHOUT: Final = text("""
    with routed as (
        select stream, first_offset + position as log_offset
        from ledger_blocks, generate_series(0, length(outcomes) - 1) as position
        where get_byte(outcomes, position) = 1 and settled_at > now() - interval '30 days'
    )
    select topic || '[' || partition || ']@' || log_offset as name
    from routed join report_revisions revision using (stream, log_offset) join streams using (stream)
    where topic = any(cast(:topics as text[])) and not exists (
        select 1 from referrals
        where referrals.report_id = revision.report_id and referrals.revision = revision.revision
    )
    order by topic, partition, log_offset limit 100
""")
"""A record that was resubmitted is routed again and has its referrals from the first time: it is not in the join."""
_URGENT_WITHOUT: Final = text("""
    select submitter || ' ' || submitter_reference as name from unrouted
    where tier = 'URGENT' and recipients = 0 and mark = 'LIVE' and not exists (
        select 1 from report_revisions later
        where later.report_id = unrouted.report_id and later.revision > unrouted.revision
    )
    and not exists (
        select 1 from queue where queue.report_id = unrouted.report_id and queue.revision = unrouted.revision
        and queue.act = 'close' and queue.closed_at is not null
    )
    and not exists (
        select 1 from referrals where referrals.report_id = unrouted.report_id
        and referrals.revision = unrouted.revision and referrals.ruling > 0 and not referrals.withdrawal
    ) and not exists (
        select 1 from referrals ruled where ruled.report_id = unrouted.report_id
        and ruled.revision = unrouted.revision and ruled.ruling > 0 and not ruled.withdrawal
    )
    order by at limit 100
""")
