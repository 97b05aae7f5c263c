"""What the audit log says, in words; and that asking for nothing is wrong usage."""

import pytest
from click.testing import CliRunner

from schemas.records.identifiers import JurisdictionCode, KeyId, MemberId, ReferralId, ReportId
from tocsin.cli.auditing.wording import sentence, when
from tocsin.cli.disclosures import command
from tocsin.runtime.audit.disclosed import Wanted, concerns
from tocsin.runtime.audit.statements import (
    Act,
    Decision,
    Disclosure,
    Fact,
    Reading,
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

DONE = Act(person="A. Analyst", reason="noise", command="dlq drop", what="dropped 7", member=POLICE)


def test_a_disclosure_says_who_was_given_which_classes_of_fields_and_by_which_rules() -> None:
    said = sentence(GIVEN)
    assert "nl-police was given report r, revision 2 (drill):" in said
    assert "facts of the case (items)" in said
    assert "what leads to material or to an investigation (source_url)" in said
    assert "personal parts (sealed)" in said
    assert "for the key k1. Kept back by: release.default_deny. Rules: bundle aaaaaaaaaaaa." in said


def test_a_decision_is_told_with_its_tier_and_what_a_tier_is() -> None:
    decision = Decision(
        report=ReportId("r"),
        revision=1,
        outcome="routed",
        tier="HIGH",
        mark="LIVE",
        landed="triaged.v1/0/7",
        sha256="b",
    )
    said = sentence(decision)
    assert "revision 1, was decided: routed, tier high. Tiers advise; a person decides." in said


def test_a_look_says_who_at_what_and_why() -> None:
    assert sentence(LOOKED) == "A. Analyst looked at report r (tocsin explain). Purpose: case 7."
    assert when(0) == "1970-01-01 00:00:00 UTC"


def test_an_act_says_who_did_what_and_why() -> None:
    assert sentence(DONE) == "A. Analyst dropped 7 (tocsin dlq drop). Reason: noise."


def test_an_act_is_found_by_whoever_did_it_and_by_whose_records_they_are() -> None:
    asked = [Wanted(person="A. Analyst"), Wanted(member="nl-police"), Wanted(person="B. Analyst"), Wanted(member="x")]
    assert [concerns(DONE, one, frozenset()) for one in asked] == [True, True, False, False]


@pytest.mark.parametrize("statement", [GIVEN, LOOKED, DONE])
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
    assert (concerns(GIVEN, wanted, frozenset("r")), concerns(LOOKED, wanted, frozenset("r"))) == (given, looked)


def test_asking_for_nothing_is_wrong_usage() -> None:
    assert CliRunner().invoke(command, []).exit_code == 2
