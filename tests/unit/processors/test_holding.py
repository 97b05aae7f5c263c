"""A police unit's own hold on notices: whose it may be, how long, why, and which copies tell of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consumers.answers import Answer, Line, Referred, as_return, parse
from processors.closing import STATES
from processors.holding import MOST, asked_hold, hold_refusal, hold_ruling, holds_among
from processors.telling import TOLD, Known
from schemas.catalogue import catalogue
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.ruling import RulingCause
from schemas.records.values import Instant, Mark
from tests.builders.answers import REFERRAL, REPORT
from tests.builders.policy import the_sample
from tests.builders.reports import NOON_MS

POLICE, HOTLINE, PLATFORM = MemberId("nl-police"), MemberId("nl-hotline"), MemberId("plat-a")
WEEK_MS = 7 * 86_400_000
UNTIL = datetime.fromtimestamp((NOON_MS + WEEK_MS) / 1000, UTC)
KNOWN = Known(
    recipient=POLICE,
    submitter=PLATFORM,
    submitter_reference="case-1",
    report_id=REPORT,
    holders=(HOTLINE, POLICE, MemberId("de-hotline-a")),
    revision=2,
)


def answered(**cells: str) -> Answer | list[Any]:
    return parse(Line(number=1, cells={"referral_id": REFERRAL, "answer": "hold"} | cells))


def a_hold(member: MemberId = POLICE, **cells: str) -> Return:
    answer = answered(**({"due": UNTIL.isoformat(), "text": "An inquiry is under way."} | cells))
    assert isinstance(answer, Answer)
    about = Referred(report_id=ReportId(REPORT), revision=1, mark=Mark.LIVE)
    return as_return(answer, member, about, NOON_MS)


def test_a_hold_that_a_police_unit_asks_for_has_owner_reason_end_and_reminder() -> None:
    asked = asked_hold(a_hold())
    assert (asked.owner, asked.reason, asked.expires_at) == (POLICE, "An inquiry is under way.", UNTIL)
    assert asked.remind_at == UNTIL - timedelta(days=1)


@pytest.mark.parametrize("member", [POLICE, "intl-police"])
def test_it_counts_from_police_alone(member: str) -> None:
    assert hold_refusal(a_hold(MemberId(member)), the_sample()) == ""
    for other in (HOTLINE, PLATFORM, MemberId("nobody")):
        assert hold_refusal(a_hold(other), the_sample()) == "return.hold_not_police"


@pytest.mark.parametrize(
    ("ahead", "code"), [(timedelta(0), "return.hold_until"), (MOST, ""), (-MOST, "return.hold_until")]
)
def test_it_ends_within_ninety_days(ahead: timedelta, code: str) -> None:
    ends = datetime.fromtimestamp(NOON_MS / 1000, UTC) + ahead
    assert hold_refusal(a_hold(due=ends.isoformat()), the_sample()) == code
    later = ends + timedelta(seconds=1) if ahead == MOST else ends
    assert hold_refusal(a_hold(due=later.isoformat()), the_sample()) == "return.hold_until"


def test_its_reason_is_a_sentence_and_no_payload() -> None:
    assert (
        hold_refusal(a_hold(text="data:image/png;base64," + "iVBORw0KGgo" * 12), the_sample()) == "return.hold_reason"
    )


def test_a_release_needs_neither_end_nor_reason() -> None:
    released = a_hold(answer="release_hold", due="", text="")
    assert (released.until, hold_refusal(released, the_sample()), asked_hold(released).expires_at) == (None, "", None)


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"text": "why"}, "answer.hold"),
        ({"due": UNTIL.isoformat()}, "answer.hold"),
        ({"answer": "release_hold", "due": UNTIL.isoformat()}, "answer.hold_released"),
    ],
)
def test_a_row_that_lacks_something_comes_back(cells: dict[str, str], code: str) -> None:
    problems = answered(**cells)
    assert isinstance(problems, list)
    assert code in [problem.code for problem in problems]
    assert code in catalogue()


def test_hotlines_that_have_the_report_get_a_new_copy_and_every_other_copy_stands() -> None:
    ruling = hold_ruling(a_hold(), KNOWN, the_sample())
    assert (ruling.cause, ruling.unchanged, ruling.revision) == (RulingCause.HOLD, (POLICE,), 2)
    assert ruling == hold_ruling(a_hold(), KNOWN, the_sample()), "read again it is the same"


def test_it_closes_nothing_and_no_submitter_hears_of_it() -> None:
    assert ReturnKind.HOLD not in STATES
    assert ReturnKind.HOLD not in TOLD


def test_of_a_slice_only_holds_that_count_are_kept() -> None:
    other = Return(
        return_id="r",
        referral_id=REFERRAL,
        report_id=REPORT,
        member=POLICE,
        kind=ReturnKind.TAKEN_UP,
        at=Instant(epoch_ms=NOON_MS),
    )
    assert [one.owner for one in holds_among([None, other, a_hold()])] == [POLICE]
