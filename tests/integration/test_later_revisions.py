"""Who has an earlier revision, as a later one must know it: settled, not recalled, never guessed while in flight."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from processors.index.port import Claim, PriorRecipient, Source
from processors.index.postgres import PostgresIndex
from schemas.failures import Temporary
from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate
from tocsin.runtime.database import Database, database_of, one_transaction
from tocsin.runtime.ledger import subject_requests
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.settlement import ReferralMade, Settlement
from tocsin.runtime.ledger.settling import positions, settle
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.ledger.subject_requests import Kind
from tocsin.runtime.settings import load

pytestmark = pytest.mark.stack
MEMBER, RECIPIENT = MemberId("plat-a"), MemberId("nl-hotline")
ESCALATED, NORMAL = Source("id-e", "test.revisions.escalated", 0), Source("id-n", "test.revisions.normal", 0)


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
        connection.execute(text("delete from streams where topic like 'test.revisions.%'"))
    owner.close()


def a_claim(report: ReportId, revision: int) -> Claim:
    return Claim(log_offset=revision - 1, member=MEMBER, report_id=report, revision=revision, digest=b"d")


def settled(database: Database, source: Source, report: ReportId, revision: int, *, withdrawal: bool = False) -> None:
    made = ReferralMade(
        referral_id=ReferralId(str(uuid4())),
        report_id=report,
        revision=revision,
        submitter=MEMBER,
        submitter_reference="r",
        recipient=RECIPIENT,
        jurisdiction=JurisdictionCode("nl"),
        tier="NORMAL",
        mark="LIVE",
        withdrawal=withdrawal,
        log_offset=revision - 1,
        submitted_ms=0,
        landed=Coordinate(),
    )
    with database.transaction() as connection:
        settle(
            connection,
            Settlement(
                topic_id=source.topic_id,
                topic=source.topic,
                partition=source.partition,
                first_offset=revision - 1,
                outcomes=(Outcome.ROUTED,),
                referrals=(made,),
            ),
        )


def test_a_later_revision_waits_for_one_that_another_worker_has_claimed_and_then_knows_who_has_it(
    database: Database,
) -> None:
    report, index = ReportId(str(uuid4())), PostgresIndex(database)
    index.claim(NORMAL, (a_claim(ReportId(str(uuid4())), 1),))
    index.claim(ESCALATED, (a_claim(report, 1),))
    with pytest.raises(Temporary) as waiting:
        index.claim(NORMAL, (a_claim(report, 2),))
    assert waiting.value.code == "index.revision_in_flight"
    settled(database, ESCALATED, report, 1)
    (known,) = index.claim(NORMAL, (a_claim(report, 2),))
    assert known.recipients == (PriorRecipient(RECIPIENT, JurisdictionCode("nl")),)


def test_who_was_recalled_has_it_no_more(database: Database) -> None:
    report, index = ReportId(str(uuid4())), PostgresIndex(database)
    for revision in (1, 2):
        index.claim(NORMAL, (a_claim(report, revision),))
        settled(database, NORMAL, report, revision, withdrawal=revision == 2)
    (known,) = index.claim(NORMAL, (a_claim(report, 3),))
    assert known.recipients == ()


def test_a_revision_learns_with_its_claim_whether_its_report_is_only_kept(database: Database, stack: Any) -> None:
    report, other, index = ReportId(str(uuid4())), ReportId(str(uuid4())), PostgresIndex(database)
    for one in (report, other):
        index.claim(NORMAL, (a_claim(one, 1),))
        settled(database, NORMAL, one, 1)
    order = Excuse(by="A. Operator", reason="a test")
    with one_transaction(load(stack.config("ops"))) as connection:
        subject_requests.ask(connection, report, (Kind.RESTRICT, ""), order)
    known = index.claim(NORMAL, (a_claim(report, 2), a_claim(other, 2)))
    assert [one.is_restricted for one in known] == [True, False]
    with one_transaction(load(stack.config("ops"))) as connection:
        subject_requests.lift(connection, report, order)
    (known_then,) = index.claim(NORMAL, (a_claim(report, 3),))
    assert not known_then.is_restricted


def test_a_partition_begins_at_zero_and_every_log_start_that_was_seen_is_kept(database: Database) -> None:
    key, ids = ("test.revisions.new", 0), {"test.revisions.new": f"id-{uuid4()}"}
    assert positions(database, ids, {key: 0}) == {key: 0}
    assert positions(database, ids, {key: 7}) == {key: 0}, "seven records are gone, and nobody has read them"
    with database.transaction() as connection:
        history = connection.execute(
            text(
                "select log_start from log_starts join streams using (stream) where topic_id = :id order by log_start"
            ),
            {"id": ids[key[0]]},
        )
        assert [row.log_start for row in history] == [0, 7]
