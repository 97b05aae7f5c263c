"""The intake and the journal: intended before sent, revisions in order, sending again harmless."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from producers.draft import ReportDraft
from producers.feeds.entries import Drafted, Rejection
from producers.intake import Intake, Mode, Taken, revision_of
from producers.journal import entries
from producers.journal.entries import Latest, Receipt
from producers.journal.keeping import let_go
from producers.journal.statuses import Stage, accounts, keep, open_questions
from producers.journal.store import Journal, open_journal, open_to_read
from producers.withdrawal import Plea, entry_of, withdrawal_of
from schemas.failures import Broken, Refused
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import MemberId, ReportId, report_id_of
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.topics import escalated_topic, submitted_topic
from tests.builders.drafts import a_checked, a_submitter, an_entry, an_envelope
from tests.builders.reports import NOON_MS, a_governance, an_escalation, an_instant
from tocsin.runtime.registry import FixedDirectory, RecordCodec

MEMBER = MemberId("plat-a")
CODEC = RecordCodec(FixedDirectory())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = open_journal(tmp_path, MEMBER)
    yield opened
    opened.close()


def an_intake(journal: Journal) -> Intake:
    return Intake(journal, a_submitter(), an_envelope(), lambda: NOON_MS)


def take(journal: Journal, *found: Drafted, mode: Mode = Mode.PUBLISH) -> list[Taken | Rejection]:
    return list(an_intake(journal).take(found, mode))


def waiting(journal: Journal) -> list[entries.Waiting]:
    with journal.begin() as connection:
        return entries.waiting(connection, 0, 100)


def code(answer: Taken | Rejection) -> str:
    return answer.problems[0].code if isinstance(answer, Rejection) else ""


def test_what_is_taken_is_on_disk_with_its_exact_bytes_before_it_is_told(journal: Journal) -> None:
    (answer,) = take(journal, an_entry())
    (stored,) = waiting(journal)
    assert isinstance(answer, Taken)
    report = CODEC.loads(stored.value, ReportSubmitted)
    assert (report.report_id, stored.report_id, stored.topic) == (
        answer.report_id,
        answer.report_id,
        submitted_topic(MEMBER),
    )
    assert dict(stored.headers)["ce_id"] == f"{answer.report_id}/1".encode()


def test_an_escalated_report_takes_the_escalated_topic(journal: Journal) -> None:
    take(journal, an_entry(escalation=an_escalation()))
    assert waiting(journal)[0].topic == escalated_topic(MEMBER)


def test_the_same_report_again_is_taken_once(journal: Journal) -> None:
    first, second = take(journal, an_entry()), take(journal, an_entry(), an_entry())
    assert [isinstance(answer, Taken) and answer.is_new for answer in (*first, *second)] == [True, False, False]
    assert len(waiting(journal)) == 1


def test_a_reference_of_another_case_is_refused_also_inside_one_file(journal: Journal) -> None:
    answers = take(journal, an_entry(), an_entry(platform="another"))
    assert [code(answer) for answer in answers] == ["", "report.reference_in_use"]


def test_a_correction_gets_the_next_revision_and_one_that_changes_nothing_is_refused(journal: Journal) -> None:
    take(journal, an_entry())
    changed, same = take(journal, an_entry(platform="new"), an_entry(platform="new"), mode=Mode.CORRECT)
    assert isinstance(changed, Taken)
    assert (changed.revision, code(same)) == (2, "report.not_changed")
    assert (
        code(take(journal, an_entry(submitter_reference="never"), mode=Mode.CORRECT)[0]) == "report.reference_unknown"
    )


@pytest.mark.parametrize(
    ("stated", "known_revision", "mode", "expected"),
    [
        (1, None, Mode.PUBLISH, 1),
        (4, None, Mode.PUBLISH, 4),
        (3, 2, Mode.PUBLISH, 3),
        (2, 2, Mode.PUBLISH, "report.reference_in_use"),
        (1, 2, Mode.CORRECT, 3),
        (7, 2, Mode.CORRECT, 7),
        (2, 2, Mode.CORRECT, "report.revision_not_newer"),
    ],
)
def test_revisions_only_go_up(stated: int, known_revision: int | None, mode: Mode, expected: int | str) -> None:
    known = a_latest(revision=known_revision) if known_revision else None
    numbered = revision_of(a_checked(revision=stated), known, mode)
    assert (numbered if isinstance(numbered, str) else numbered.revision) == expected


def test_a_withdrawal_stands_as_the_next_revision_on_the_topic_of_its_report(journal: Journal) -> None:
    take(journal, an_entry())
    with journal.begin() as connection:
        known = entries.latest(connection, ["case-1"])["case-1"]
        withdrawal = withdrawal_of(Plea(reference="case-1", reason_code="other"), known, MEMBER, NOON_MS)
        entries.intend(connection, [entry_of(withdrawal, known, an_envelope())])
    stored = waiting(journal)[-1]
    assert CODEC.loads(stored.value, Withdrawal).revision == 2
    assert stored.topic == submitted_topic(MEMBER)


def test_nothing_is_taken_back_twice_nor_what_was_never_published() -> None:
    for known, expected in (
        (None, "report.reference_unknown"),
        (a_latest(kind="withdrawal"), "report.already_withdrawn"),
    ):
        with pytest.raises(Refused) as refused:
            withdrawal_of(Plea(reference="case-1", reason_code="other"), known, MEMBER, NOON_MS)
        assert refused.value.code == expected


def test_a_withdrawal_carries_no_data(journal: Journal) -> None:
    plea = Plea(reference="case-1", reason_code="other", text="data:image/png;base64,QUJDREVGR0hJSktMTU5PUFFSU1Q=")
    with pytest.raises(Refused) as refused:
        withdrawal_of(plea, a_latest(), MEMBER, NOON_MS)
    assert refused.value.code.startswith("firewall.")


def test_confirmed_bodies_are_purged_and_waiting_ones_never(journal: Journal) -> None:
    take(journal, an_entry(submitter_reference="a"), an_entry(submitter_reference="b"))
    first, second = waiting(journal)
    with journal.begin() as connection:
        entries.confirm(connection, [Receipt(number=first.number, partition=0, offset=7)], NOON_MS)
        assert entries.purge(connection, NOON_MS + 1, NOON_MS + 1) == 1
        assert entries.purge(connection, NOON_MS + 1, NOON_MS + 1) == 0
        bodies = connection.execute(text("select value is null from entries order by number")).scalars().all()
    assert list(bodies) == [1, 0]
    assert [left.number for left in waiting(journal)] == [second.number]


def test_a_body_that_was_purged_stands_nowhere_on_the_disk_any_more(journal: Journal, tmp_path: Path) -> None:
    words = "Simulated Service of the purged report"
    take(journal, *(an_entry(submitter_reference=f"case-{n}", platform=words) for n in range(50)))
    with journal.begin() as connection:
        receipts = [Receipt(number=n, partition=0, offset=n) for n in range(1, 51)]
        entries.confirm(connection, receipts, NOON_MS)
    assert _holds(tmp_path, words)
    with journal.begin() as connection:
        assert entries.purge(connection, NOON_MS + 1, NOON_MS + 1) == 50
    journal.forget()
    assert not _holds(tmp_path, words)
    assert _holds(tmp_path, "case-49"), "what is left is the proof that it was sent"


def _holds(folder: Path, words: str) -> bool:
    return any(words.encode() in file.read_bytes() for file in folder.iterdir())


def test_an_account_is_as_far_as_the_furthest_message(journal: Journal) -> None:
    (answer,) = take(journal, an_entry())
    assert isinstance(answer, Taken)
    with journal.begin() as connection:
        assert [account.stage for account in accounts(connection)] == [Stage.WAITING]
        entries.confirm(connection, [Receipt(number=1, partition=0, offset=0)], NOON_MS)
        told = [
            a_status(answer.report_id, kind) for kind in (StatusKind.TAKEN_UP, StatusKind.TRIAGED, StatusKind.QUESTION)
        ]
        keep(connection, (*told, told[0]))
        (account,) = accounts(connection, reference="case-1")
    assert (account.stage, len(account.told)) == (Stage.TAKEN_UP, 3)


def test_a_question_is_open_until_a_correction_stands_in_the_journal(journal: Journal) -> None:
    (answer,) = take(journal, an_entry())
    assert isinstance(answer, Taken)
    with journal.begin() as connection:
        keep(connection, [a_status(answer.report_id, StatusKind.QUESTION)])
        (account,) = accounts(connection)
    assert [status.kind for status in open_questions(account)] == [StatusKind.QUESTION]
    take(journal, an_entry(victim_age_band="11-13"), mode=Mode.CORRECT)
    take(journal, an_entry(submitter_reference="another"))
    with journal.begin() as connection:
        found = {(account.reference, account.revision): account for account in accounts(connection)}
    assert not any(map(open_questions, found.values()))
    assert found["case-1", 1].told
    assert found["another", 1].is_latest


def test_only_the_owner_reads_the_journal(journal: Journal, tmp_path: Path) -> None:
    take(journal, an_entry())
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}, modes


def test_a_second_process_waits_its_turn_and_may_look_meanwhile(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(Broken) as refused:
        open_journal(tmp_path, MEMBER)
    assert refused.value.code == "journal.in_use"
    looking = open_to_read(tmp_path)
    assert looking is not None
    with looking.begin() as connection:
        assert list(accounts(connection)) == []
    looking.close()


def test_a_journal_belongs_to_one_member(tmp_path: Path) -> None:
    open_journal(tmp_path, MEMBER).close()
    with pytest.raises(Broken) as refused:
        open_journal(tmp_path, MemberId("ngo-b"))
    assert refused.value.code == "journal.of_another_member"


def test_a_full_disk_is_said_and_what_was_taken_before_stays(journal: Journal, tmp_path: Path) -> None:
    take(journal, an_entry())
    with journal.begin() as connection:
        pages = connection.execute(text("pragma page_count")).scalar_one()
        connection.execute(text(f"pragma max_page_count = {pages}"))  # SQLite then fails as on a disk without room
    many = [an_entry(submitter_reference=f"case-{n}") for n in range(400)]
    with pytest.raises(Broken) as refused:
        take(journal, *many)
    assert refused.value.code == "journal.full"
    assert len(waiting(journal)) == 1


def test_a_damaged_journal_is_said_and_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").touch(mode=0o600)
    (tmp_path / "journal.sqlite").write_bytes(b"not a database" * 500)
    with pytest.raises(Broken) as refused:
        open_journal(tmp_path, MEMBER)
    assert refused.value.code == "journal.broken"
    assert (tmp_path / "journal.sqlite").read_bytes().startswith(b"not a database")


def test_a_draft_states_exactly_what_is_the_submitters_to_state() -> None:
    ours = {"report_id", "submitter", "submitted_at", "sealed", "commitment"}
    assert set(ReportSubmitted.__struct_fields__) - ours == set(ReportDraft.__struct_fields__) - {"personal"}


def a_latest(**changes: Any) -> Latest:
    defaults: dict[str, Any] = {"revision": 1, "kind": "report", "digest": "", "mark": "LIVE", "topic": "t"}
    return Latest(**(defaults | changes))


def a_status(report_id: ReportId, kind: StatusKind) -> Status:
    return Status(status_id=f"{report_id}{kind}", member=MEMBER, report_id=report_id, kind=kind, at=an_instant())


def sent(journal: Journal) -> None:
    """The broker has everything."""
    receipts = [Receipt(number=one.number, partition=0, offset=one.number) for one in waiting(journal)]
    with journal.begin() as connection:
        entries.confirm(connection, receipts, NOON_MS)


def test_a_report_leaves_the_journal_by_itself_once_its_last_revision_is_past_and_confirmed(
    journal: Journal, tmp_path: Path
) -> None:
    first, later = an_instant(NOON_MS + 10), an_instant(NOON_MS + 20)
    short = a_governance(retain_until=first)
    take(journal, an_entry(submitter_reference="marker-2d", governance=short))
    with journal.begin() as connection:
        told = a_status(report_id_of(MEMBER, "marker-2d"), StatusKind.TRIAGED)
        keep(connection, [msgspec.structs.replace(told, submitter_reference="marker-2d")])
    assert let_go(journal, NOON_MS + 15) == 0, "not confirmed"
    sent(journal)
    assert let_go(journal, NOON_MS + 5) == 0, "not past"
    take(journal, an_entry(submitter_reference="marker-2d", revision=2, governance=a_governance(retain_until=later)))
    sent(journal)
    assert let_go(journal, NOON_MS + 15) == 0, "a later revision is kept longer"
    assert let_go(journal, NOON_MS + 25) == 1
    assert let_go(journal, NOON_MS + 25) == 0
    assert [path.name for path in tmp_path.iterdir() if b"marker-2d" in path.read_bytes()] == []
    with journal.begin() as connection:
        assert [(one.revision, len(one.told)) for one in accounts(connection)] == [(1, 1), (2, 0)], "that it was stays"


def test_a_reference_that_is_used_again_after_its_erasure_is_erased_a_second_time(
    journal: Journal, tmp_path: Path
) -> None:
    short = a_governance(retain_until=an_instant(NOON_MS + 10))
    for _ in range(3):
        take(journal, an_entry(submitter_reference="marker-5f", governance=short))
        sent(journal)
        assert let_go(journal, NOON_MS + 20) == 1
    assert [path.name for path in tmp_path.iterdir() if b"marker-5f" in path.read_bytes()] == []
    with journal.begin() as connection:
        found = list(accounts(connection))
    report = report_id_of(MEMBER, "marker-5f")
    assert [(one.reference, one.revision) for one in found] == [(report, 1), (f"{report}#2", 1), (f"{report}#3", 1)]
