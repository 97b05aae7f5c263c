"""What the database says of links that stand no more: asked by the returns' own role, told once, written down."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from processors.index.port import Claim, Source
from processors.index.postgres import PostgresIndex
from processors.letters import Writer
from processors.spreading import SETTLED_MS, WHOLE_MS, Spreading
from schemas.records.answers import Status
from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tests.builders.deliveries import CODEC
from tests.builders.reports import NOON_MS
from tocsin.policy.policies import policies
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import DecisionMade, LinkMade, ReferralMade, Settlement
from tocsin.runtime.ledger.settling import settle
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
SOURCE = Source("id-spread", "test.spreading", 0)
FIRST, SECOND = MemberId("plat-a"), MemberId("ngo-b")


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    database = database_of(load(stack.config("triage")))
    yield database
    database.close()
    owner = database_of(load(stack.config("ops")))
    with owner.transaction() as connection:
        for table in ("referrals", "ledger_blocks", "log_starts"):
            connection.execute(
                text(f"delete from {table} using streams where streams.stream = {table}.stream and topic like 'test.%'")  # noqa: S608  # our own names
            )
        connection.execute(text("delete from streams where topic = 'test.spreading'"))
        connection.execute(text("truncate links, link_notices, report_revisions"))
    owner.close()


@pytest.fixture
def spreading(stack: Any) -> Iterator[Spreading]:
    process = load(stack.config("returns"))
    database = database_of(process)
    yield Spreading(policies(process.policy, process.policy_trust), Writer(codec=CODEC), database)
    database.close()


def a_claim(offset: int, member: MemberId, report: ReportId, *, withdrawn: bool = False) -> Claim:
    return Claim(
        log_offset=offset,
        member=member,
        report_id=report,
        revision=2 if withdrawn else 1,
        withdrawn=withdrawn,
        digest=b"d",
    )


def linked(database: Database, report: ReportId, other: ReportId, *, told: bool) -> ReferralId:
    """A decision on a report that links it to another, and the referral that came of it."""
    referral = ReferralId(str(uuid4()))
    about: dict[str, Any] = {
        "report_id": report,
        "revision": 1,
        "submitter": SECOND,
        "submitter_reference": "r",
        "mark": "LIVE",
    }
    made = ReferralMade(
        **about,
        referral_id=referral,
        recipient=MemberId("nl-hotline"),
        jurisdiction=JurisdictionCode("nl"),
        tier="NORMAL",
        withdrawal=False,
        links_told=told,
        log_offset=1,
        submitted_ms=0,
        landed=Coordinate(),
    )
    decision = DecisionMade(**about, tier="NORMAL", completeness=1, links=(LinkMade(other=other),))
    with database.transaction() as connection:
        settle(
            connection,
            Settlement(
                topic_id=SOURCE.topic_id,
                topic=SOURCE.topic,
                partition=0,
                first_offset=0,
                outcomes=(Outcome.ROUTED,) * 3,
                referrals=(made,),
                decisions=(decision,),
            ),
        )
    return referral


def test_an_old_fall_is_passed_over_until_all_are_looked_at_again(database: Database, spreading: Spreading) -> None:
    first, second = (ReportId(str(uuid4())) for _ in range(2))
    index = PostgresIndex(database)
    index.claim(SOURCE, (a_claim(0, FIRST, first), a_claim(1, SECOND, second)))
    index.claim(SOURCE, (a_claim(2, FIRST, first, withdrawn=True),))
    assert [spreading(NOON_MS + at).records for at in (0, SETTLED_MS)] == [(), ()]
    linked(database, second, first, told=True)  # settled long after the fall, as by a worker that was away
    assert spreading(NOON_MS + SETTLED_MS + 1).records == ()
    assert len(spreading(NOON_MS + WHOLE_MS).records) == 1


@pytest.mark.parametrize("told", [True, False])
def test_who_was_told_of_a_link_is_told_once_that_it_stands_no_more_and_nobody_else(
    database: Database, spreading: Spreading, told: bool
) -> None:
    first, second = (ReportId(str(uuid4())) for _ in range(2))
    index = PostgresIndex(database)
    index.claim(SOURCE, (a_claim(0, FIRST, first), a_claim(1, SECOND, second)))
    referral = linked(database, second, first, told=told)
    assert spreading(NOON_MS).records == ()
    index.claim(SOURCE, (a_claim(2, FIRST, first, withdrawn=True),))
    errand = spreading(NOON_MS)
    statuses = [CODEC.loads(record.value, Status) for record in errand.records]
    assert [(status.referral_id, status.code) for status in statuses] == [(referral, "link.retracted")] * told
    again = spreading(NOON_MS + 1).records
    assert len(again) == len(errand.records), "until it is written down it is told again"
    errand.done()
    assert spreading(NOON_MS + 2).records == ()
