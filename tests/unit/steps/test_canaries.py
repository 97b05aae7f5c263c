"""Where a canary goes: to the member that it names, and nowhere else."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.steps.route.evidence import evidence
from processors.steps.route.rules import Case, Route, route
from producers import canaries
from producers.lanes import Lane
from schemas.failures import Refused
from schemas.records.identifiers import CountryCode, MemberId
from schemas.records.report import ReportSubmitted
from schemas.records.values import Mark
from tests.builders.policy import TODAY, the_sample, with_member
from tests.builders.reports import NOON_MS, a_report
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import Standing


def a_canary(name: str = "de-hotline-c", **changes: Any) -> ReportSubmitted:
    said = {"submitter": MemberId("canary"), "mark": Mark.TEST, "submitter_reference": f"{name}/escalated/1"}
    return a_report(**(said | changes))


def routed(report: ReportSubmitted, bundle: Bundle | None = None) -> Route:
    policy = bundle or the_sample()
    pointed = evidence(report, None, policy.country_of, NOON_MS)
    return route(Case(report=report, personal=None, verdicts=(), evidence=pointed, is_urgent=True), policy, TODAY)


def test_it_goes_to_the_member_that_it_names_whatever_the_evidence_says() -> None:
    found = routed(a_canary(declared_country=CountryCode("FR")))
    assert [(one.member, one.rules) for one in found.recipients] == [("de-hotline-c", ("route.canary",))]
    assert not found.waiting_reasons


@pytest.mark.parametrize("mark", [Mark.LIVE, Mark.DRILL])
def test_what_is_no_test_goes_to_nobody(mark: Mark) -> None:
    found = routed(a_canary(mark=mark))
    assert (found.recipients, found.refusals[0].rule) == ((), "route.canary_is_no_test")


@pytest.mark.parametrize("name", ["", "nobody", "plat-a", "canary", "de-hotline-c ", "\x00"])
def test_a_name_of_nobody_who_receives_goes_to_nobody(name: str) -> None:
    assert routed(a_canary(name)).refusals[0].rule == "route.canary_names_nobody"


def test_who_is_suspended_gets_none() -> None:
    bundle = with_member("de-hotline-c", standing=Standing.SUSPENDED)
    assert routed(a_canary(), bundle).refusals[0].rule == "route.not_taking_part"


@given(submitter=st.sampled_from(sorted(set(the_sample().members) - {"canary"})), mark=st.sampled_from(Mark))
def test_nobody_else_can_choose_who_gets_its_report(submitter: str, mark: Mark) -> None:
    named = a_canary(submitter=submitter, mark=mark)
    plain = a_canary(submitter=submitter, mark=mark, submitter_reference="case-1")
    assert routed(named) == routed(plain)


def test_there_is_one_for_each_receiving_member_and_lane() -> None:
    found = sorted((one.member, one.lane) for one in canaries.perches(the_sample(), TODAY))
    receiving = {name for name, one in the_sample().members.items() if one.receives}
    assert found == sorted((name, lane) for name in receiving for lane in Lane)


def test_no_canary_is_sent_to_who_does_not_take_part() -> None:
    bundle = with_member("de-hotline-c", standing=Standing.SUSPENDED)
    assert "de-hotline-c" not in {one.member for one in canaries.perches(bundle, TODAY)}


def test_triage_reads_the_member_that_the_sender_wrote() -> None:
    for perch in canaries.perches(the_sample(), TODAY):
        reference = canaries.draft_of(perch, NOON_MS).submitter_reference
        assert [one.member for one in routed(a_canary(submitter_reference=reference)).recipients] == [perch.member]


@pytest.mark.parametrize("name", ["plat-a", "nobody"])
def test_a_member_whose_reports_would_be_taken_for_real_ones_cannot_send_any(name: str) -> None:
    with pytest.raises(Refused, match="canary = true") as refused:
        canaries.checked(the_sample(), MemberId(name))
    assert refused.value.code == "canary.not_one"


def test_the_operators_own_may() -> None:
    canaries.checked(the_sample(), MemberId("canary"))
