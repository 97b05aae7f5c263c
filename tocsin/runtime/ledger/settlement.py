"""Writing the ledger: one short, idempotent transaction per slice."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text

from schemas.failures import Broken
from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.audit.recording import record_facts
from tocsin.runtime.audit.statements import Fact
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.items import ItemMade, record_items
from tocsin.runtime.ledger.outcomes import Outcome, outcome_bytes


class ReferralMade(Struct, frozen=True, kw_only=True):
    """One referral that a slice produced, and where it landed."""

    referral_id: ReferralId
    report_id: ReportId
    revision: int
    submitter: MemberId
    submitter_reference: str
    recipient: MemberId
    jurisdiction: JurisdictionCode
    tier: str
    mark: str
    withdrawal: bool
    log_offset: int
    submitted_ms: int
    links_told: bool = False
    """Its recipient may see how many reports are linked to it, and there are some."""
    landed: Coordinate
    ruling: int = 0
    """Which decision on its revision made it."""


class LinkMade(Struct, frozen=True, kw_only=True):
    """One report that a decision was linked to; whoever was told so is told when it stands no more."""

    other: ReportId
    distance: int | None = None


class DeadLetterMade(Struct, frozen=True, kw_only=True):
    """One dead letter that a slice produced: which record, why, and where it landed; never the record itself."""

    log_offset: int
    member: MemberId
    code: str
    field: str
    value_bytes: int
    value_sha256: str
    masked: bool
    """The letter carries no value, because it may have carried imagery."""
    landed: Coordinate = Coordinate()
    report_id: ReportId | None = None
    """Where the record could be read."""


class Unrouted(Struct, frozen=True, kw_only=True):
    """One report that nobody got, or that a person has to settle; `recipients` got it while it waits."""

    log_offset: int
    report_id: ReportId
    revision: int
    submitter: MemberId
    submitter_reference: str
    mark: str
    outcome: Outcome
    tier: str
    reasons: tuple[str, ...]
    recipients: int = 0
    waits: bool = False
    """For a person: it enters the queue."""
    deadline_ms: int | None = None


class DecisionMade(Struct, frozen=True, kw_only=True):
    """The decision on one revision of one report: how complete it was, and where it landed."""

    report_id: ReportId
    revision: int
    submitter: MemberId
    submitter_reference: str
    mark: str
    tier: str
    completeness: int
    policy: str = ""
    """Digest of the bundle that decided."""
    ruling: int = 0
    missing: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    """Published codes under which it is counted, as `scheme:code`."""
    retain_until_ms: int | None = None
    """When the exchange lets go of the report, unless a later decision says otherwise."""
    links: tuple[LinkMade, ...] = ()
    landed: Coordinate = Coordinate()


class RulingDone(Struct, frozen=True, kw_only=True):
    """One ruling that was carried out: what waited for a person does so no longer."""

    log_offset: int
    report_id: ReportId
    revision: int
    occasion: str
    source: Coordinate
    """Where the report lies: what the ledger says of that place is what became of it in the end."""
    outcome: Outcome


class Settlement(Struct, frozen=True, kw_only=True):
    """All that one slice leaves in the ledger; `first_offset` is that of its first record."""

    topic_id: str
    topic: str
    partition: int
    first_offset: int
    outcomes: tuple[Outcome, ...]
    referrals: tuple[ReferralMade, ...] = ()
    dead_letters: tuple[DeadLetterMade, ...] = ()
    unrouted: tuple[Unrouted, ...] = ()
    decisions: tuple[DecisionMade, ...] = ()
    rulings: tuple[RulingDone, ...] = ()
    items: tuple[ItemMade, ...] = ()
    facts: tuple[Fact, ...] = ()
    """For the audit log, in the order of offsets."""


def stream_of(connection: Connection, topic_id: str, topic: str, partition: int, first_offset: int) -> int:
    """The stream's number; made on first sight, starting at the given offset."""
    key = {"topic_id": topic_id, "topic": topic, "partition": partition, "first": first_offset}
    connection.execute(_NEW_STREAM, key)
    return int(connection.execute(_STREAM, key).scalar_one())


def settle(connection: Connection, settlement: Settlement) -> None:
    """Record a slice; a replay of one that was recorded changes nothing, a hole is Broken."""
    made = settlement
    stream = stream_of(connection, made.topic_id, made.topic, made.partition, made.first_offset)
    settled = _advance(connection, stream, made.first_offset, made.first_offset + len(made.outcomes))
    block = {"stream": stream, "first": made.first_offset, "outcomes": outcome_bytes(made.outcomes)}
    connection.execute(_BLOCK, block)
    if made.referrals:
        connection.execute(_REFERRALS, {"stream": stream} | _referral_columns(made.referrals))
    if made.dead_letters:
        connection.execute(_DEAD_LETTER, [_dead_letter_row(stream, letter) for letter in made.dead_letters])
    if made.unrouted:
        rows = [_unrouted_row(stream, report) for report in made.unrouted]
        connection.execute(_UNROUTED, rows)
        if waiting := [row for row in rows if row["waits"]]:
            connection.execute(_QUEUE, waiting)
    if made.decisions:
        connection.execute(_DECISIONS, _decision_columns(made.decisions))
    done = [_ruling_row(stream, ruling) for ruling in made.rulings if ruling.outcome is not Outcome.STALE]
    if done:
        connection.execute(_ANSWERED, done)
        connection.execute(_SETTLED_AFTER_ALL, done)
    if made.items:
        record_items(connection, made.items)
    links = [(decision.report_id, link) for decision in made.decisions for link in decision.links]
    if links:
        connection.execute(_LINKS, _link_columns(links))
    if news := [fact for fact in made.facts if fact.log_offset >= settled]:
        record_facts(connection, stream, news)


def positions(
    database: Database, topic_ids: Mapping[str, str], log_starts: Mapping[tuple[str, int], int]
) -> dict[tuple[str, int], int]:
    """The first unsettled offset of each partition; the log starts are kept, so that a loss has a date.

    A partition that is new here begins at 0, whatever its log start is: what was deleted before is missing.
    """
    keys = [
        {"topic_id": topic_ids[topic], "topic": topic, "partition": partition, "first": 0, "start": start}
        for (topic, partition), start in sorted(log_starts.items())
    ]
    if not keys:
        return {}
    with database.transaction() as connection:
        connection.execute(_NEW_STREAM, keys)
        connection.execute(_LOG_START, keys)
        rows = connection.execute(
            _POSITIONS, {"topic_ids": sorted({topic_ids[topic] for topic, _ in log_starts})}
        ).all()
    return {
        (row.topic, row.partition): int(row.next_offset) for row in rows if (row.topic, row.partition) in log_starts
    }


def _advance(connection: Connection, stream: int, first: int, end: int) -> int:
    """Up to where the stream was settled before; a replay's facts are in the log already."""
    before = connection.execute(_ADVANCE, {"stream": stream, "first": first, "next": end}).scalar_one_or_none()
    if before is None:
        raise Broken(
            f"A slice that starts at {first} would leave a hole in the ledger. Nothing was recorded; "
            "the worker starts again from the ledger.",
            code="ledger.hole",
        )
    return int(before)


def _referral_columns(made: Sequence[ReferralMade]) -> dict[str, object]:
    """Columns instead of rows: one statement takes half a thousand of them in the time of ten."""
    columns: dict[str, object] = {name: [getattr(one, name) for one in made] for name in _REFERRAL_FIELDS}
    columns["submitted_at"] = [datetime.fromtimestamp(one.submitted_ms / 1000, UTC) for one in made]
    columns["out_topic"] = [one.landed.topic for one in made]
    columns["out_partition"] = [one.landed.partition for one in made]
    columns["out_offset"] = [one.landed.offset for one in made]
    return columns


def _dead_letter_row(stream: int, made: DeadLetterMade) -> dict[str, object]:
    return {
        "stream": stream,
        "log_offset": made.log_offset,
        "member": made.member,
        "code": made.code,
        "field": made.field,
        "value_bytes": made.value_bytes,
        "value_sha256": made.value_sha256,
        "masked": made.masked,
        "out_topic": made.landed.topic,
        "out_partition": made.landed.partition,
        "out_offset": made.landed.offset,
        "report_id": made.report_id,
    }


def _decision_columns(made: Sequence[DecisionMade]) -> dict[str, object]:
    """Columns instead of rows: there is one for every report."""
    columns: dict[str, object] = {name: [getattr(one, name) for one in made] for name in _DECISION_FIELDS}
    columns["missing"] = [" ".join(one.missing) for one in made]
    columns["labels"] = [" ".join(one.labels) for one in made]
    columns["retain_until"] = [_moment(one.retain_until_ms) for one in made]
    columns["out_partition"] = [one.landed.partition for one in made]
    columns["out_offset"] = [one.landed.offset for one in made]
    return columns


def _link_columns(made: Sequence[tuple[ReportId, LinkMade]]) -> dict[str, object]:
    return {
        "report_id": [report for report, _ in made],
        "other": [link.other for _, link in made],
        "distance": [link.distance for _, link in made],
    }


def _unrouted_row(stream: int, made: Unrouted) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(made, name) for name in Unrouted.__struct_fields__}
    return row | {
        "stream": stream,
        "outcome": int(made.outcome),
        "reasons": list(made.reasons),
        "deadline": _moment(made.deadline_ms),
    }


def _moment(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _ruling_row(stream: int, done: RulingDone) -> dict[str, object]:
    return {
        "stream": stream,
        "log_offset": done.log_offset,
        "report_id": done.report_id,
        "revision": done.revision,
        "occasion": done.occasion,
        "topic_id": done.source.topic_id,
        "topic": done.source.topic,
        "partition": done.source.partition,
        "offset": done.source.offset,
        "waiting": int(Outcome.WAITING_PERSON),
        "outcome": outcome_bytes((done.outcome,)),
    }


_REFERRAL_FIELDS: Final = (
    "referral_id",
    "report_id",
    "revision",
    "submitter",
    "submitter_reference",
    "recipient",
    "jurisdiction",
    "tier",
    "mark",
    "withdrawal",
    "links_told",
    "log_offset",
    "ruling",
)
_DECISION_FIELDS: Final = (
    "report_id",
    "revision",
    "submitter",
    "submitter_reference",
    "mark",
    "tier",
    "completeness",
    "policy",
    "ruling",
)
_DECISIONS: Final = text("""
    insert into decisions (report_id, revision, submitter, submitter_reference, mark, tier, completeness, policy,
                           ruling, missing, labels, retain_until, out_partition, out_offset)
    select * from unnest(cast(:report_id as uuid[]), cast(:revision as integer[]), cast(:submitter as text[]),
                         cast(:submitter_reference as text[]), cast(:mark as text[]), cast(:tier as text[]),
                         cast(:completeness as smallint[]), cast(:policy as text[]), cast(:ruling as integer[]),
                         cast(:missing as text[]), cast(:labels as text[]), cast(:retain_until as timestamptz[]),
                         cast(:out_partition as integer[]), cast(:out_offset as bigint[]))
    on conflict do nothing
""")
_LINKS: Final = text("""
    insert into links (report_id, other, distance)
    select * from unnest(cast(:report_id as uuid[]), cast(:other as uuid[]), cast(:distance as smallint[]))
    on conflict do nothing
""")
_NEW_STREAM: Final = text(
    "insert into streams (topic_id, topic, partition, first_offset, next_offset) "
    "values (:topic_id, :topic, :partition, :first, :first) on conflict do nothing"
)
_STREAM: Final = text(
    "select stream from streams where topic_id = :topic_id and topic = :topic and partition = :partition"
)
_ADVANCE: Final = text(
    "with before as (select next_offset from streams where stream = :stream for update) "
    "update streams s set next_offset = greatest(s.next_offset, :next) from before "
    "where s.stream = :stream and before.next_offset >= :first returning before.next_offset"
)
_BLOCK: Final = text(
    "insert into ledger_blocks (stream, first_offset, outcomes) values (:stream, :first, :outcomes) "
    "on conflict (stream, first_offset) do update set outcomes = ledger_blocks.outcomes "
    "|| substring(excluded.outcomes from length(ledger_blocks.outcomes) + 1) "
    "where length(excluded.outcomes) > length(ledger_blocks.outcomes)"
)
"""A replay in a longer slice adds its tail: what a person decided meanwhile stays."""
_REFERRALS: Final = text("""
    insert into referrals (referral_id, report_id, revision, submitter, submitter_reference, recipient, jurisdiction,
                           tier, mark, withdrawal, links_told, stream, log_offset, ruling, out_topic, out_partition,
                           out_offset, submitted_at)
    select referral_id, report_id, revision, submitter, submitter_reference, recipient, jurisdiction,
           tier, mark, withdrawal, links_told, :stream, log_offset, ruling, out_topic, out_partition, out_offset,
           submitted_at
    from unnest(cast(:referral_id as uuid[]), cast(:report_id as uuid[]), cast(:revision as integer[]),
                cast(:submitter as text[]), cast(:submitter_reference as text[]), cast(:recipient as text[]),
                cast(:jurisdiction as text[]), cast(:tier as text[]), cast(:mark as text[]),
                cast(:withdrawal as boolean[]), cast(:links_told as boolean[]), cast(:log_offset as bigint[]),
                cast(:ruling as integer[]),
                cast(:out_topic as text[]), cast(:out_partition as integer[]), cast(:out_offset as bigint[]),
                cast(:submitted_at as timestamptz[]))
         as r(referral_id, report_id, revision, submitter, submitter_reference, recipient, jurisdiction,
              tier, mark, withdrawal, links_told, log_offset, ruling, out_topic, out_partition, out_offset,
              submitted_at)
    on conflict do nothing
""")
_DEAD_LETTER: Final = text(
    "insert into dead_letters (stream, log_offset, member, code, field, value_bytes, value_sha256, masked, "
    "out_topic, out_partition, out_offset, report_id) values (:stream, :log_offset, :member, :code, :field, "
    ":value_bytes, :value_sha256, :masked, :out_topic, :out_partition, :out_offset, "
    "cast(:report_id as uuid)) on conflict do nothing"
)
_UNROUTED: Final = text(
    "insert into unrouted (stream, log_offset, report_id, revision, submitter, submitter_reference, mark, outcome, "
    "tier, reasons, recipients) values (:stream, :log_offset, :report_id, :revision, :submitter, "
    ":submitter_reference, :mark, :outcome, :tier, :reasons, :recipients) on conflict do nothing"
)
_QUEUE: Final = text(
    "insert into queue (stream, log_offset, cause, report_id, revision, submitter, submitter_reference, mark, tier, "
    "reasons, recipients, deadline) values (:stream, :log_offset, 'triage', :report_id, :revision, :submitter, "
    ":submitter_reference, :mark, :tier, :reasons, :recipients, :deadline) on conflict do nothing"
)
_ANSWERED: Final = text("""
    update queue set closed_at = now()
    where closed_at is null and not (stream = :stream and log_offset = :log_offset)
      and (:occasion = 'queue:' || number
           or (report_id = cast(:report_id as uuid) and revision = :revision and cause = 'triage'))
""")
_SETTLED_AFTER_ALL: Final = text("""
    update ledger_blocks b
    set outcomes = overlay(b.outcomes placing cast(:outcome as bytea)
                           from cast(:offset - b.first_offset + 1 as integer) for 1)
    from streams s
    where s.stream = b.stream and s.topic_id = :topic_id and s.topic = :topic and s.partition = :partition
      and b.first_offset <= :offset and :offset < b.first_offset + length(b.outcomes)
      and get_byte(b.outcomes, cast(:offset - b.first_offset as integer)) = :waiting
""")
_LOG_START: Final = text(
    "insert into log_starts (stream, log_start) select stream, :start from streams "
    "where topic_id = :topic_id and topic = :topic and partition = :partition on conflict do nothing"
)
_POSITIONS: Final = text("select topic, partition, next_offset from streams where topic_id = any(:topic_ids)")
