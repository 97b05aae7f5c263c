"""A false positive goes all the way back: from a row or a command to what its submitter reads."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from consumers.answers import Answer, Line, Referred, as_return, parse
from consumers.replies import sort_file
from processors.closing import STATES
from processors.index.disputes import disputes
from processors.items import judged
from processors.steps.release.answers import release_answer
from processors.telling import Known, status_of
from producers.intake import Intake
from producers.journal import entries
from producers.journal.entries import Receipt
from producers.journal.statuses import keep
from producers.journal.store import open_journal
from schemas.disclosure import Audience
from schemas.item_state import Actor, ItemState
from schemas.records.answers import Return, Status
from schemas.records.identifiers import ContentId, MemberId, ReportId, report_id_of
from schemas.records.values import Mark
from tests.builders.answers import REFERRAL
from tests.builders.drafts import a_submitter, an_entry, an_envelope
from tests.builders.policy import TODAY, the_sample
from tests.builders.reports import NOON_MS
from tests.builders.submitting import MEMBER, an_office
from tocsin.cli.answer import Options, _cells
from tocsin.runtime.registry import FixedDirectory, RecordCodec

CODEC = RecordCodec(FixedDirectory())
RECIPIENTS = ("nl-hotline", "nl-police", "intl-police")
REPORT: ReportId = report_id_of(MEMBER, "case-1")
ROW = f"referral_id,answer,false_positive,case_number\r\n{REFERRAL},outcome,yes,NL-7\r\n"


def by_file() -> Answer:
    (answer,) = sort_file(".csv", ROW.encode(), lambda _: True).answers
    return answer


def by_command() -> Answer:
    nothing = dict.fromkeys(Options.__struct_fields__, "")
    said = Options(**(nothing | {"referral": REFERRAL, "false_positive": "yes", "case_number": "NL-7"}))  # type: ignore[arg-type]  # a table of words
    answer = parse(Line(number=1, cells=_cells(said)))
    assert isinstance(answer, Answer)
    return answer


def the_return(answer: Answer, member: str = "nl-hotline") -> Return:
    about = Referred(report_id=REPORT, revision=1, mark=Mark.LIVE)
    sent = CODEC.dumps(as_return(answer, MemberId(member), about, NOON_MS), Audience.OPERATOR)
    return CODEC.loads(sent, Return)


def told(answer: Return) -> Status:
    """What the submitter gets, after release and its serializer."""
    known = Known(recipient=answer.member, submitter=MEMBER, submitter_reference="case-1", report_id=REPORT)
    released = release_answer(status_of(answer, known), answer.member, the_sample(), TODAY)
    return CODEC.loads(CODEC.dumps(released, Audience.SUBMITTER), Status)


def test_a_row_and_a_command_say_the_same() -> None:
    assert by_file() == replace(by_command(), again="")
    assert STATES[the_return(by_file()).kind] == "taken_up"


@pytest.mark.parametrize("member", RECIPIENTS)
def test_it_disputes_the_report_and_changes_no_item_whoever_says_it(member: str) -> None:
    answer = the_return(by_file(), member)
    states = {(REPORT, ContentId("item-1")): ItemState(assigned_country="NL", actions=("removed",))}
    found = judged(answer, states, lambda _: Actor(is_assigned=False, is_hotline=False))
    assert disputes(answer)
    assert (found.refused, found.states) == ("", states)


@pytest.mark.parametrize("member", RECIPIENTS)
@pytest.mark.parametrize(("written", "words"), [("yes", "false positive"), ("no", "no false positive")])
def test_its_submitter_reads_it(
    member: str, written: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = told(the_return(replace(by_file(), false_positive=written), member))
    with an_office(tmp_path) as office:
        journal = open_journal(tmp_path / "state", MEMBER)
        intake = Intake(journal, a_submitter(), an_envelope(), lambda: NOON_MS)
        list(intake.take([an_entry(submitter_reference="case-1")]))
        with journal.begin() as connection:
            entries.confirm(connection, [Receipt(number=1, partition=0, offset=0)], NOON_MS)
            keep(connection, [status])
        journal.close()
        shown = office.run(capsys, "sent", "--offline", "--reference", "case-1").said
    assert shown.splitlines()[-1].split("outcome")[1].strip().split("; ")[-1] == words
