"""Reports in the ledger of a real database, as triage and returns leave them, for what is counted of reports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from msgspec import Struct
from sqlalchemy import text

from schemas.records.identifiers import ContentId, JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.items import ItemMade
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DecisionMade, ReferralMade, Settlement
from tocsin.runtime.ledger.settling import settle, stream_of

MADE = (
    "insert into report_revisions (report_id, revision, member, withdrawn, digest, stream, log_offset, claim_number) "
    "values (:report, 1, :member, false, 'd', :stream, :offset, 0)"
)
_AT = "update decisions set at = :at where report_id = :report"
_DELIVERED = (
    "insert into returns (return_id, referral_id, member, kind, at, by_person, stream, log_offset) "
    "select 'measured-' || referral_id, referral_id, recipient, 'DELIVERED', "
    "submitted_at + :seconds * interval '1 second', false, stream, log_offset from referrals where report_id = :report"
)
_TABLES = ("referrals", "returns", "ledger_blocks", "report_revisions")


class Case(Struct, frozen=True, kw_only=True):
    """One report: when it was decided first, who got it how soon, and by what it is counted."""

    at: datetime
    delivered_seconds: int
    recipients: tuple[str, ...]
    """As `jurisdiction/member`."""
    countries: tuple[str, ...]
    labels: tuple[str, ...]
    tier: str


def settled(database: Database, submitter: str, topic: str, cases: Sequence[Case]) -> tuple[ReportId, ...]:
    """One slice of these reports; what they are counted by is written by the same code as in a worker."""
    made = {ReportId(str(uuid4())): case for case in cases}
    slice_ = Settlement(
        topic_id=f"{topic}-id",
        topic=topic,
        partition=0,
        first_offset=0,
        outcomes=(Outcome.ROUTED,) * len(cases),
        referrals=tuple(
            _referral(report, submitter, place, offset)
            for offset, (report, case) in enumerate(made.items())
            for place in case.recipients
        ),
        decisions=tuple(_decision(report, submitter, case) for report, case in made.items()),
        items=tuple(
            ItemMade(report_id=report, content_id=ContentId(country), revision=1, hosting_country=country)
            for report, case in made.items()
            for country in case.countries
        ),
    )
    with database.transaction() as connection:
        stream = stream_of(connection, slice_.topic_id, topic, 0, 0)
        for offset, report in enumerate(made):
            row = {"report": report, "member": submitter, "stream": stream, "offset": offset}
            connection.execute(text(MADE), row)
        settle(connection, slice_)
        for report, case in made.items():
            connection.execute(text(_AT), {"at": case.at, "report": report})
            connection.execute(text(_DELIVERED), {"seconds": case.delivered_seconds, "report": report})
    return tuple(made)


def _decision(report: ReportId, submitter: str, case: Case) -> DecisionMade:
    return DecisionMade(
        report_id=report,
        revision=1,
        submitter=MemberId(submitter),
        submitter_reference=f"case-{report}",
        mark="LIVE",
        tier=case.tier,
        completeness=60,
        labels=case.labels,
    )


def _referral(report: ReportId, submitter: str, place: str, offset: int) -> ReferralMade:
    jurisdiction, _, recipient = place.partition("/")
    return ReferralMade(
        referral_id=ReferralId(str(uuid4())),
        report_id=report,
        revision=1,
        submitter=MemberId(submitter),
        submitter_reference=f"case-{report}",
        recipient=MemberId(recipient),
        jurisdiction=JurisdictionCode(jurisdiction),
        tier="URGENT",
        mark="LIVE",
        withdrawal=False,
        log_offset=offset,
        submitted_ms=1_700_000_000_000,
        landed=Coordinate(topic=f"referrals.{jurisdiction}.{recipient}.v1", partition=0, offset=offset),
    )


def forgotten(database: Database, submitter: str, topic: str) -> None:
    """Nothing of them is left, so that the next test counts its own."""
    told: dict[str, Any] = {"submitter": submitter, "topic": topic}
    with database.transaction() as connection:
        links = "delete from links where report_id in (select report_id from decisions where submitter = :submitter)"
        items = "delete from items where report_id in (select report_id from decisions where submitter = :submitter)"
        for statement in (links, items):
            connection.execute(text(statement), told)
        for table in ("kept_measures", "decisions"):
            connection.execute(text(f"delete from {table} where submitter = :submitter"), told)  # noqa: S608 -- our own
        for table in (*_TABLES, "streams"):
            mine = "select stream from streams where topic = :topic"
            connection.execute(text(f"delete from {table} where stream in ({mine})"), told)  # noqa: S608 -- as above
