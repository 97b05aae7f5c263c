"""What the audit log says, in words; and that asking for nothing is wrong usage."""

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from schemas.records.identifiers import JurisdictionCode, KeyId, MemberId, ReferralId, ReportId
from tocsin.cli.auditing.wording import sentence, when
from tocsin.cli.disclosures import command
from tocsin.runtime.audit.covering import given
from tocsin.runtime.audit.disclosed import Subject, Wanted, concerns
from tocsin.runtime.audit.statements import (
    Act,
    Decision,
    Disclosure,
    Fact,
    Reading,
    Refusal,
    Span,
    Statement,
    decoded,
    encoded,
    leaf_of,
    opens,
)

POLICE = MemberId("nl-police")
GIVEN = Disclosure(
    report=ReportId("r"), revision=2, referral=ReferralId("f"), recipient=POLICE, jurisdiction=JurisdictionCode("nl"),
    mark="DRILL", fields=("items", "source_url", "sealed"), withheld=("release.default_deny",),
    sealed_to=(KeyId("k1"),), policy="a" * 64, landed="referrals.nl.nl-police.v1/0/7", sha256="b" * 64,
)  # fmt: skip
LOOKED = Reading(person="A. Analyst", purpose="case 7", command="explain", what="report r", report=ReportId("r"))

OF_R = Subject(reports=frozenset("r"))
DECIDED = Decision(
    report=ReportId("r"), revision=1, outcome="routed", tier="HIGH", mark="LIVE", landed="triaged.v1/0/7", sha256="b",
)  # fmt: skip
REFUSED = Refusal(member=MemberId("ngo-b"), code="c", landed="dlq/0/7", sha256="b", report=ReportId("r"))
NOBODY = MemberId("")
DONE = Act(person="A. Analyst", reason="noise", command="dlq drop", what="dropped 7", member=POLICE)


def test_a_disclosure_says_who_was_given_which_classes_of_fields_and_by_which_rules() -> None:
    said = sentence(GIVEN)
    assert "nl-police was given report r, revision 2 (drill):" in said
    assert "facts of the case (items)" in said
    assert "what leads to material or to an investigation (source_url)" in said
    assert "personal parts (sealed)" in said
    assert "for the key k1. Kept back by: release.default_deny. Rules: bundle aaaaaaaaaaaa." in said


def test_a_decision_is_told_with_its_tier_and_what_a_tier_is() -> None:
    said = sentence(DECIDED)
    assert "revision 1, was decided: routed, tier high. Tiers advise; a person decides." in said


def test_a_look_says_who_at_what_and_why() -> None:
    assert sentence(LOOKED) == "A. Analyst looked at report r (tocsin explain). Purpose: case 7."
    assert when(0) == "1970-01-01 00:00:00 UTC"


def test_an_act_says_who_did_what_and_why() -> None:
    assert sentence(DONE) == "A. Analyst dropped 7 (tocsin dlq drop). Reason: noise."


def test_an_act_is_found_by_whoever_did_it_and_by_whose_records_they_are() -> None:
    asked = [Wanted(person="A. Analyst"), Wanted(member="nl-police"), Wanted(person="B. Analyst"), Wanted(member="x")]
    assert [concerns(DONE, one, Subject()) for one in asked] == [True, True, False, False]


@pytest.mark.parametrize("statement", [GIVEN, LOOKED, DONE, replace(LOOKED, span=Span(until_ms=5))])
def test_a_statement_reads_back_and_its_leaf_opens_as_nothing_else(statement: Statement) -> None:
    line, nonce = encoded(statement), bytes(16)
    leaf = leaf_of(Fact(statement=statement, at_ms=5), line, nonce)
    assert decoded(line) == statement
    assert opens(leaf, line, nonce)
    assert not opens(leaf, line.replace(b"r", b"s", 1), nonce)
    assert not opens(leaf, line, b"1" + nonce[1:])
    assert not any(name in leaf for name in (b"nl-police", b"Analyst", b"case 7"))


@pytest.mark.parametrize(
    ("wanted", "given", "looked"),
    [
        (Wanted(report="r"), True, True),
        (Wanted(report="r", member="nl-police"), True, False),
        (Wanted(member="nl-police"), True, False),
        (Wanted(member="nl-hotline"), False, False),
        (Wanted(person="A. Analyst"), False, True),
        (Wanted(person="B. Analyst"), False, False),
    ],
)
def test_what_is_asked_for_must_all_fit(wanted: Wanted, given: bool, looked: bool) -> None:
    assert (concerns(GIVEN, wanted, OF_R), concerns(LOOKED, wanted, OF_R)) == (given, looked)


@pytest.mark.parametrize(
    ("span", "member", "found"),
    [
        (Span(), POLICE, True),
        (Span(), MemberId("de-police"), False),
        (Span(until_ms=10), POLICE, False),
        (Span(until_ms=11), POLICE, True),
        (Span(since_ms=20), POLICE, True),
        (Span(since_ms=21), POLICE, False),
        (None, POLICE, False),
    ],
)
def test_whoever_looked_at_a_span_in_which_a_members_copy_lay_is_told_with_its_report(
    span: Span | None, member: MemberId, found: bool
) -> None:
    copy = given(GIVEN, at_ms=10, recorded_ms=20)
    assert copy is not None
    look = Reading(person="A", purpose="p", command="subscribe", what="the referrals", member=member, span=span)
    subject = Subject(reports=OF_R.reports, copies=(copy,))
    assert concerns(look, Wanted(report="r"), subject) is found
    assert not concerns(look, Wanted(report="s"), Subject(reports=frozenset("s")))


def test_a_recall_shows_nothing_and_so_nobody_who_looked_at_it_saw_the_report() -> None:
    assert given(replace(GIVEN, recall=True), at_ms=10, recorded_ms=20) is None
    assert given(LOOKED, at_ms=10, recorded_ms=20) is None


@pytest.mark.parametrize("sent", [DECIDED, REFUSED])
@pytest.mark.parametrize(
    ("span", "member", "found"),
    [
        (Span(), NOBODY, True),
        (Span(until_ms=10), NOBODY, False),
        (Span(since_ms=10, until_ms=11), NOBODY, True),
        (Span(since_ms=11), NOBODY, False),
        (Span(), POLICE, False),
        (None, NOBODY, False),
    ],
)
def test_whoever_looked_at_all_that_submitters_sent_in_a_span_is_told_with_a_report_that_came_in_it(
    sent: Statement, span: Span | None, member: MemberId, found: bool
) -> None:
    report = given(sent, at_ms=10, recorded_ms=20)
    assert report is not None
    look = Reading(person="A", purpose="p", command="policy shadow", what="all", member=member, span=span)
    assert concerns(look, Wanted(report="r"), Subject(reports=OF_R.reports, copies=(report,))) is found


def test_a_decision_by_a_ruling_says_nothing_of_when_its_report_came() -> None:
    assert given(replace(DECIDED, ruling=1), at_ms=10, recorded_ms=20) is None


def test_asking_for_nothing_is_wrong_usage() -> None:
    assert CliRunner().invoke(command, []).exit_code == 2
