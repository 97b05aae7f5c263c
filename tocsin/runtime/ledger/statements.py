"""The statements that write one slice down, in order; none of them needs the answer of another (pure)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import text

from schemas.records.identifiers import ReportId
from tocsin.runtime.audit.recording import entries
from tocsin.runtime.ledger.items import item_queries
from tocsin.runtime.ledger.outcomes import Outcome, outcome_bytes
from tocsin.runtime.ledger.settlement import (
    DeadLetterMade,
    DecisionMade,
    LinkMade,
    ReferralMade,
    RulingDone,
    Settlement,
    Unrouted,
)
from tocsin.runtime.pipeline import Query


def queries(stream: int, made: Settlement, settled: int) -> Iterator[Query]:
    """All that a slice leaves; `settled` is up to where its stream was settled before: those facts are in the log."""
    yield Query(_BLOCK, {"stream": stream, "first": made.first_offset, "outcomes": outcome_bytes(made.outcomes)})
    yield from _about_reports(stream, made)
    yield from _about_rulings(stream, made)
    if made.items:
        yield from item_queries(made.items)
    links = [(decision.report_id, link) for decision in made.decisions for link in decision.links]
    if links:
        yield Query(_LINKS, _link_columns(links))
    yield from entries(stream, [fact for fact in made.facts if fact.log_offset >= settled])


def _about_reports(stream: int, made: Settlement) -> Iterator[Query]:
    if made.referrals:
        yield Query(_REFERRALS, {"stream": stream} | _referral_columns(made.referrals))
    for letter in made.dead_letters:
        yield Query(_DEAD_LETTER, _dead_letter_row(stream, letter))
    for report in made.unrouted:
        row = _unrouted_row(stream, report)
        yield Query(_UNROUTED, row)
        if report.waits:
            yield Query(_QUEUE, row)
    if made.decisions:
        yield Query(_DECISIONS, _decision_columns(made.decisions))


def _about_rulings(stream: int, made: Settlement) -> Iterator[Query]:
    done = [_ruling_row(stream, ruling) for ruling in made.rulings if ruling.outcome is not Outcome.STALE]
    for row in done:
        yield Query(_ANSWERED, row)
        yield Query(_SETTLED_AFTER_ALL, row)


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
