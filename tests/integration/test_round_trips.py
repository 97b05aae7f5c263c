"""How often a slice of reports waits for PostgreSQL: counted on the wire, where every `Sync` and `Query` is a wait."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from sqlalchemy import text

from processors.returns import ReturnStages, ReturnTools
from schemas.failures import Broken
from schemas.records.answers import LabelAdded, Outcome, Return, ReturnKind
from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReferralId, ReportId
from schemas.records.ruling import RulingCause
from schemas.records.values import Coordinate, Hash, Ternary
from schemas.topics import RULINGS, returns_topic
from tests.builders.answers import a_label, an_outcome_return
from tests.builders.reports import a_hosting, a_withdrawal, an_item
from tests.builders.rulings import a_ruling
from tests.builders.wire import CODEC, NOW_MS, SLICE, SUBMITTED, Kind, Record, Wire, Worker
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.policies import OnePolicy
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.settings import load as settings_of
from tocsin.runtime.transport.slices import RawRecord, Slice

pytestmark = pytest.mark.stack
HOTLINE = MemberId("nl-hotline")
MOST = 3
"""Standings, claim and settlement; BEGIN and COMMIT travel with the statements between them, and are counted too."""

REPLAYED = 12
"""Standings, claim, the settlement that is refused, and the same step by step."""


@pytest.fixture
def database(stack: Any) -> Iterator[Database]:
    database = database_of(settings_of(stack.config("triage")))
    yield database
    database.close()


@pytest.fixture
def books(stack: Any) -> Iterator[Database]:
    """The ledger as ops may read it; triage cannot read the audit log."""
    database = database_of(settings_of(stack.config("ops")))
    yield database
    database.close()


@pytest.fixture
def wire(database: Database, tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(database, tmp_path / "trace")
    yield wire
    database.close()
    wire.close()


@pytest.fixture
def answering(stack: Any) -> Iterator[Database]:
    database = database_of(settings_of(stack.config("returns")))
    yield database
    database.close()


@pytest.fixture
def answered(answering: Database, tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(answering, tmp_path / "answered")
    yield wire
    answering.close()
    wire.close()


@pytest.fixture
def worker(database: Database) -> Worker:
    return Worker(database)


def test_a_slice_of_new_reports_waits_for_the_database_no_more_than_three_times(wire: Wire, worker: Worker) -> None:
    for number in range(8):  # from its fifth time on the driver has prepared a statement
        worker.runs(number)
    before = wire.waits()
    for number in range(8, 12):
        worker.runs(number)
    assert 0 < wire.waits() - before <= 4 * MOST


def items(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """Reports of three items each, which others have reported too."""
    found = tuple(an_item(content_id=ContentId(f"item-{n}")) for n in range(3))
    return SUBMITTED, [worker.plain(n, items=found) for n in _own(number)]


def near_hashes(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """Each with a hash of its own and one that is near to everybody's."""
    seen = Hash(algorithm="pdq", value="0" * 63 + f"{number % 16:x}")
    return SUBMITTED, [
        worker.plain(n, items=(an_item(hashes=(seen, Hash(algorithm="pdq", value=token_hex(32)))),))
        for n in _own(number)
    ]


def revisions(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """The reports of the first slice, again and again corrected; with a near hash that comes with the correction."""
    seen = Hash(algorithm="pdq", value=token_hex(32))
    return SUBMITTED, [worker.plain(n, items=(an_item(hashes=(seen,)),), revision=number + 2) for n in range(SLICE)]


def retractions(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """The reports of the first slice, taken back."""
    reports = (worker.plain(n) for n in range(SLICE))
    return SUBMITTED, [
        a_withdrawal(submitter_reference=one.submitter_reference, report_id=one.report_id, revision=number + 2)
        for one in reports
    ]


def labels(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """What recipients found out about the reports of the first slice, as the rulings that come of it."""
    return RULINGS, [
        a_ruling(worker.plain(n), worker.place(n), cause=RulingCause.LABEL, occasion=f"label:{number}-{n}")
        for n in range(SLICE)
    ]


def recalls(worker: Worker, number: int) -> tuple[str, list[Record]]:
    """Reports of the first slice that the exchange takes back, and others that are only decided again."""
    causes = (RulingCause.RECALLED, RulingCause.REROUTE)
    return RULINGS, [
        a_ruling(worker.plain(n), worker.place(n), cause=causes[n % 2], occasion=f"{number}-{n}") for n in range(SLICE)
    ]


def _own(number: int) -> range:
    return range((number + 1) * SLICE, (number + 2) * SLICE)


@pytest.mark.parametrize("kind", [items, near_hashes, revisions, retractions, labels, recalls])
def test_a_slice_of_any_kind_waits_for_the_database_no_more_than_three_times(
    wire: Wire, worker: Worker, kind: Kind
) -> None:
    worker.runs(0)
    for number in range(8):  # the first of a stream is settled step by step, and a statement is prepared in time
        worker.takes(*kind(worker, number))
    for number in range(8, 12):
        topic, records = kind(worker, number)
        before = wire.waits()
        worker.takes(topic, records)
        assert 0 < wire.waits() - before <= MOST


class Answers:
    """The stages of returns over the real ledger, for one hotline whose answers no clock calls early."""

    def __init__(self, database: Database, worker: Worker) -> None:
        tools = ReturnTools(codec=CODEC, policies=OnePolicy(load(SAMPLE)))
        self._stages = ReturnStages(tools, database, {}, lambda: 2**60)
        self._topic_id, self._next = f"{worker.topic_id}-returns", 0
        self.reports = [worker.plain(n).report_id for n in range(SLICE)]

    def take(self, said: Iterable[Return | LabelAdded]) -> None:
        """One slice of these."""
        records = tuple(
            RawRecord(offset=offset, timestamp_ms=NOW_MS, key=None, value=CODEC.dumps(one), headers=())
            for offset, one in enumerate(said, self._next)
        )
        piece = Slice(topic_id=self._topic_id, topic=returns_topic(HOTLINE), partition=0, records=records)
        self._next += len(records)
        finished = self._stages.finish(self._stages.claim(self._stages.decide(piece)))
        codes = {entry.rejected.code for entry in finished.read if entry.rejected}
        assert not any(code.startswith(("return.", "label.")) for code in codes), codes
        self._stages.settle(finished, tuple(Coordinate(offset=n) for n in range(len(finished.records))))


def later_labels(reports: list[ReportId], referrals: dict[ReportId, ReferralId], number: int) -> list[LabelAdded]:
    """What somebody says of an item of each report."""
    return [a_label(HOTLINE, "item-1", label_id=f"{one}-{number}", report_id=one) for one in reports]


def outcomes(reports: list[ReportId], referrals: dict[ReportId, ReferralId], number: int) -> list[Return]:
    """Of each referral that it was wrong, which disputes its report."""
    said = Outcome(action="reported_to_lea", false_positive=Ternary.YES)
    return [_said(report, referrals, number, outcomes=(said,)) for report in reports]


def receipts(reports: list[ReportId], referrals: dict[ReportId, ReferralId], number: int) -> list[Return]:
    """That each referral was delivered."""
    return [_said(report, referrals, number, kind=ReturnKind.DELIVERED, outcomes=()) for report in reports]


def _said(report: ReportId, referrals: dict[ReportId, ReferralId], number: int, **changes: Any) -> Return:
    about = {"return_id": f"{report}-{number}", "referral_id": referrals[report], "report_id": report}
    return an_outcome_return(HOTLINE, **(about | changes))


@pytest.mark.parametrize("kind", [later_labels, outcomes, receipts])
def test_a_slice_of_answers_waits_for_the_database_no_more_than_three_times(
    answering: Database, answered: Wire, worker: Worker, kind: Callable[..., list[Return]]
) -> None:
    dutch = an_item(hosting=a_hosting(country=CountryCode("NL")), labels=())
    worker.takes(SUBMITTED, [worker.plain(n, items=(dutch,)) for n in range(SLICE)])
    answers = Answers(answering, worker)
    with answering.transaction() as connection:
        rows = connection.execute(_REFERRALS, {"reports": answers.reports, "member": HOTLINE}).all()
    referrals = {ReportId(str(row.report_id)): ReferralId(str(row.referral_id)) for row in rows}
    assert len(referrals) == SLICE
    for number in range(8):
        answers.take(kind(answers.reports, referrals, number))
    for number in range(8, 12):
        said = kind(answers.reports, referrals, number)
        before = answered.waits()
        answers.take(said)
        assert 0 < answered.waits() - before <= MOST


def test_a_replay_waits_for_the_database_a_bounded_number_of_times(wire: Wire, worker: Worker) -> None:
    """However many records it has: the ledger is asked what it has of them, and only then told."""
    worker.runs(0)
    for number in range(8):
        worker.takes(*near_hashes(worker, number))
    before = wire.waits()
    topic, records = near_hashes(worker, 0)
    worker.takes(topic, records, first=SLICE)
    assert wire.waits() - before <= REPLAYED


def test_what_is_settled_in_one_trip_is_what_the_ledger_has(books: Database, worker: Worker) -> None:
    for number in range(3):
        worker.runs(number)
    assert settled(books, worker) == (3 * SLICE, 3 * SLICE, 3)


def test_a_replay_of_slices_changes_nothing(books: Database, worker: Worker) -> None:
    for number in (0, 1, 0, 1, 2):
        worker.runs(number)
    assert settled(books, worker) == (3 * SLICE, 3 * SLICE, 3)


def test_a_hole_is_refused_and_nothing_of_its_slice_is_recorded(books: Database, worker: Worker) -> None:
    worker.runs(0)
    with pytest.raises(Broken) as failure:
        worker.runs(2)
    assert failure.value.code == "ledger.hole"
    assert settled(books, worker) == (SLICE, SLICE, 1)


def test_a_ledger_that_was_set_back_takes_no_slice_under_the_number_that_a_stream_had_before(
    books: Database, worker: Worker
) -> None:
    """A restored backup may have given that number to another stream."""
    worker.runs(0)
    with books.transaction() as connection:
        connection.execute(_RENAMED, {"topic_id": worker.topic_id, "other": f"other-{worker.topic_id}"})
    with pytest.raises(Broken, match="hole"):
        worker.runs(1)


def test_connections_that_the_server_closed_meanwhile_are_replaced_without_a_failure(
    stack: Any, books: Database, worker: Worker
) -> None:
    worker.runs(0)
    with stack.postgres.connect(database="tocsin") as other:
        other.execute("select pg_terminate_backend(pid) from pg_stat_activity where usename = 'triage'")
    worker.runs(1)
    assert settled(books, worker)[0] == 2 * SLICE


def settled(books: Database, worker: Worker) -> tuple[int, int, int]:
    """Up to which offset, how many outcomes, and how many audit entries."""
    with books.transaction() as connection:
        row = connection.execute(_SETTLED, {"topic_id": worker.topic_id}).one()
    return int(row.next_offset), int(row.outcomes), int(row.entries)


_REFERRALS = text(
    "select report_id, referral_id from referrals where report_id = any(cast(:reports as uuid[])) "
    "and recipient = :member"
)
_RENAMED = text("update streams set topic_id = :other where topic_id = :topic_id")
_SETTLED = text("""
    select next_offset,
           (select sum(length(outcomes)) from ledger_blocks b where b.stream = s.stream) as outcomes,
           (select count(*) from audit_openings o where o.stream = s.stream) as entries
    from streams s where topic_id = :topic_id
""")
