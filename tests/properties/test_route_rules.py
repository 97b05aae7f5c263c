"""A route never leads back, never to the suspended, and never nowhere without a word."""

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.steps.route.evidence import Evidence, evidence
from processors.steps.route.rules import Case, route
from schemas.records.identifiers import CountryCode
from schemas.records.report import NexusClaim, SharingChoices
from schemas.records.triage import ItemVerdict
from schemas.records.values import NexusKind, Ternary, Verdict
from tests.builders.policy import TODAY, the_sample, without_members
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_source_url

MEMBERS = sorted(the_sample().members)
SUBMITTERS = sorted(name for name, one in the_sample().members.items() if not one.canary)
COUNTRIES = st.sampled_from([CountryCode(code) for code in ("NL", "de", "FR", "UK", "US", "NO", "XI", "ZZ", "")])
CLAIMS = st.builds(
    NexusClaim,
    kind=st.sampled_from(NexusKind),
    country=COUNTRIES,
    confidence=st.none() | st.floats(allow_nan=True),
)
CHOICES = st.builds(
    SharingChoices,
    deny_members=st.lists(st.sampled_from(MEMBERS), max_size=4).map(tuple),
    deny_sectors=st.lists(st.sampled_from(["lea", "hotline", "international"]), max_size=1).map(tuple),
    deny_countries=st.lists(COUNTRIES, max_size=2).map(tuple),
)
HOSTINGS = st.builds(a_hosting, country=COUNTRIES, content_delivery_network=st.sampled_from(Ternary))
REPORTS = st.builds(
    lambda hosting, **parts: a_report(source_url=a_source_url(hosting=hosting), items=(), **parts),
    hosting=st.none() | HOSTINGS,
    submitter=st.sampled_from(SUBMITTERS),
    nexus=st.lists(CLAIMS, max_size=3).map(tuple),
    declared_country=COUNTRIES,
    sharing=CHOICES,
)
CASES = st.builds(
    lambda report, **parts: Case(
        report=report, evidence=evidence(report, None, the_sample().country_of, NOON_MS), **parts
    ),
    report=REPORTS,
    personal=st.none(),
    verdicts=st.lists(st.builds(ItemVerdict, verdict=st.sampled_from(Verdict)), max_size=2).map(tuple),
    is_urgent=st.booleans(),
)
SUSPENDED = st.sets(st.sampled_from(MEMBERS), max_size=5)


@given(CASES, SUSPENDED)
def test_no_recipient_is_the_submitter_suspended_denied_or_not_receiving(case: Case, suspended: set[str]) -> None:
    bundle = without_members(*suspended)
    for addressee in route(case, bundle, TODAY).recipients:
        member = bundle.members[addressee.member]
        assert member.receives
        assert member.id != case.report.submitter
        assert member.id not in suspended
        assert member.id not in case.report.sharing.deny_members
        assert member.sector not in case.report.sharing.deny_sectors


@given(CASES, SUSPENDED)
def test_every_report_ends_with_a_recipient_a_waiting_reason_or_a_rule(case: Case, suspended: set[str]) -> None:
    found = route(case, without_members(*suspended), TODAY)
    assert found.recipients or found.waiting_reasons or found.refusals


@given(CASES, SUSPENDED)
def test_an_urgent_report_without_recipient_waits_for_a_person(case: Case, suspended: set[str]) -> None:
    found = route(replace(case, is_urgent=True), without_members(*suspended), TODAY)
    assert found.recipients or found.waiting_reasons


@given(CASES)
def test_a_further_country_takes_no_recipient_away(case: Case) -> None:
    before = route(case, the_sample(), TODAY)
    assume("route.no_evidence" not in before.waiting_reasons)
    pointed = (*case.evidence, Evidence(CountryCode("FR"), "offence"))
    after = route(replace(case, evidence=pointed), the_sample(), TODAY)
    assert {entry.member for entry in before.recipients} <= {entry.member for entry in after.recipients}
