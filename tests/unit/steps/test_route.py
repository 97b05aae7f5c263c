"""Who gets a report, who does not, and what a person has to settle."""

from typing import Any

import pytest
from msgspec.structs import replace

from processors.steps.route.evidence import evidence
from processors.steps.route.rules import Case, Route, route
from schemas.records.identifiers import ContentId, CountryCode, JurisdictionCode, MemberId
from schemas.records.report import EstimatedLocation, NetworkEvent, PersonalPart, ReportSubmitted, SharingChoices
from schemas.records.triage import ItemVerdict
from schemas.records.values import NexusKind, Realism, SyntheticOrigin, Ternary, Verdict
from tests.builders.policy import TODAY, a_bundle, the_sample, with_member, without_members
from tests.builders.reports import (
    HOUR_MS,
    NOON_MS,
    a_hosting,
    a_nexus_claim,
    a_report,
    a_source_url,
    an_account,
    an_instant,
    an_item,
)
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Jurisdiction


def routed(report: ReportSubmitted, bundle: Bundle | None = None, **case: Any) -> Route:
    policy = bundle or the_sample()
    whole = {"personal": None, "verdicts": (), "is_urgent": False} | case
    pointed = evidence(report, whole["personal"], policy.country_of, NOON_MS)
    return route(Case(report=report, evidence=pointed, **whole), policy, TODAY)


def declared(country: str, **changes: Any) -> ReportSubmitted:
    return a_report(source_url=None, items=(), declared_country=CountryCode(country), **changes)


def hosted(country: str, **hosting: Any) -> ReportSubmitted:
    place = a_hosting(country=CountryCode(country), **hosting)
    return a_report(source_url=a_source_url(hosting=place), items=())


def members(found: Route) -> set[str]:
    return {addressee.member for addressee in found.recipients}


def rules_of(found: Route, member: str) -> tuple[str, ...]:
    return next(addressee.rules for addressee in found.recipients if addressee.member == member)


def refusals(found: Route) -> set[tuple[str, str]]:
    return {(refusal.member, refusal.rule) for refusal in found.refusals}


def verdicts(*found: Verdict) -> tuple[ItemVerdict, ...]:
    return tuple(ItemVerdict(verdict=verdict, jurisdiction=JurisdictionCode("nl"), verified=True) for verdict in found)


def test_what_is_hosted_in_a_country_goes_to_its_hotline_and_its_police() -> None:
    found = routed(hosted("NL"))
    assert members(found) == {"nl-hotline", "nl-police"}
    assert rules_of(found, "nl-police") == ("route.hosting",)
    assert found.refusals == ()
    assert found.waiting_reasons == ()


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (NexusKind.OFFENCE, "route.offence"),
        (NexusKind.SUSPECT, "route.suspect"),
        (NexusKind.VICTIM, "route.victim"),
        (NexusKind.DECLARED, "route.declared"),
        (NexusKind.HOSTING, "route.hosting"),
        (NexusKind.UNKNOWN, "route.declared"),
    ],
)
def test_a_claim_concerns_its_country_and_one_of_no_known_kind_counts_as_declared(kind: NexusKind, rule: str) -> None:
    claim = a_nexus_claim(kind=kind, country=CountryCode("FR"), confidence=None)
    found = routed(a_report(source_url=None, items=(), nexus=(claim,)))
    assert members(found) == {"fr-hotline", "fr-police"}
    assert rules_of(found, "fr-police") == (rule,)


def test_an_item_that_is_assigned_elsewhere_concerns_that_country() -> None:
    item = an_item(url="", hosting=None, assigned_country=CountryCode("FR"))
    found = routed(a_report(source_url=None, items=(item,)))
    assert rules_of(found, "fr-hotline") == ("route.declared",)


def test_addresses_and_places_of_the_personal_part_concern_their_countries() -> None:
    events = (NetworkEvent(country=CountryCode("gb")),)
    personal = PersonalPart(network_events=events, locations=(EstimatedLocation(country=CountryCode("FR")),))
    found = routed(a_report(source_url=None, items=()), personal=personal)
    assert rules_of(found, "gb-police") == ("route.network",)
    assert rules_of(found, "fr-police") == ("route.location",)


def test_several_countries_are_normal_and_each_member_gets_one_referral_with_all_its_rules() -> None:
    report = replace(hosted("NL"), nexus=(a_nexus_claim(),), declared_country=CountryCode("NL"))
    found = routed(report)
    assert members(found) == {"nl-hotline", "nl-police", "de-hotline-a", "de-police"}
    assert rules_of(found, "nl-hotline") == ("route.declared", "route.hosting")


@pytest.mark.parametrize(("alias", "member"), [("UK", "gb-hotline"), ("gb", "gb-hotline")])
def test_a_country_goes_by_its_aliases_and_in_any_case(alias: str, member: str) -> None:
    assert member in members(routed(declared(alias)))


def test_a_delivery_network_alone_points_nowhere_so_a_mandated_hotline_looks_at_it() -> None:
    found = routed(hosted("US", content_delivery_network=Ternary.YES))
    assert (members(found), found.waiting_reasons) == ({"gb-hotline"}, ("route.no_evidence",))


def test_a_mandated_hotline_does_not_look_at_its_own_report() -> None:
    found = routed(a_report(source_url=None, items=(), submitter=MemberId("gb-hotline")))
    assert (members(found), found.waiting_reasons) == (set(), ("route.no_evidence", "route.nobody"))


def test_without_evidence_an_urgent_report_goes_to_the_last_resort_and_still_waits() -> None:
    found = routed(a_report(source_url=None, items=()), is_urgent=True)
    assert members(found) == {"gb-hotline", "intl-police"}
    assert found.waiting_reasons == ("route.no_evidence",)


@pytest.mark.parametrize(("stated", "is_routed"), [(None, True), (1.0, True), (0.4, True), (0.2, False), (0.0, False)])
def test_a_stated_confidence_weakens_a_claim(stated: float | None, is_routed: bool) -> None:
    report = a_report(source_url=None, items=(), nexus=(a_nexus_claim(confidence=stated),))
    assert ("de-hotline-a" in members(routed(report))) is is_routed


@pytest.mark.parametrize("stated", [-1.0, 7.0, float("nan")])
def test_a_confidence_that_is_none_takes_nothing_away(stated: float) -> None:
    assert routed(a_report(source_url=None, items=(), nexus=(a_nexus_claim(confidence=stated),))).recipients


def test_the_surest_statement_of_a_country_counts() -> None:
    claims = (a_nexus_claim(confidence=0.1), a_nexus_claim(confidence=0.7), a_nexus_claim(confidence=0.2))
    (found,) = evidence(a_report(source_url=None, items=(), nexus=claims), None, the_sample().country_of, NOON_MS)
    assert (found.country, found.kind, found.certainty) == ("DE", "victim", 0.7)


def test_one_owner_takes_what_concerns_a_country_of_several_hotlines() -> None:
    assert members(routed(declared("DE"))) == {"de-hotline-a", "de-police"}


def test_the_stand_in_takes_the_place_of_a_suspended_owner() -> None:
    found = routed(declared("DE"), without_members("de-hotline-a"))
    assert members(found) == {"de-hotline-b", "de-police"}
    assert rules_of(found, "de-hotline-b") == ("route.stand_in",)
    assert refusals(found) == {("de-hotline-a", "route.not_taking_part")}


def test_the_stand_in_takes_the_place_of_an_owner_out_of_its_dates() -> None:
    assert "de-hotline-b" in members(routed(declared("DE"), with_member("de-hotline-a", valid_to=TODAY)))


def test_where_the_stand_in_is_away_too_a_mandated_hotline_takes_the_hotlines_part() -> None:
    found = routed(declared("DE"), without_members("de-hotline-a", "de-hotline-b"))
    assert members(found) == {"gb-hotline", "de-police"}
    assert rules_of(found, "gb-hotline") == ("route.no_hotline",)


def test_where_the_mandated_hotline_is_away_too_the_bureau_takes_the_hotlines_part() -> None:
    found = routed(declared("DE"), without_members("de-hotline-a", "de-hotline-b", "gb-hotline"))
    assert rules_of(found, "intl-police") == ("route.no_hotline",)


def test_only_police_stands_in_for_police() -> None:
    found = routed(declared("DE"), without_members("de-police"))
    assert members(found) == {"de-hotline-a", "intl-police"}
    assert rules_of(found, "intl-police") == ("route.no_police",)


@pytest.mark.parametrize("country", ["DE", "FR", "NL", "US"])
def test_whatever_country_lacks_its_hotline_a_mandated_one_comes_before_the_bureau(country: str) -> None:
    hotlines = [one.id for one in the_sample().members.values() if (one.country, one.sector) == (country, "hotline")]
    found = routed(declared(country), without_members(*hotlines))
    assert members(found) == {"gb-hotline", f"{country.lower()}-police"}


def test_the_mandated_hotline_itself_has_the_bureau_behind_it() -> None:
    assert members(routed(declared("GB"), without_members("gb-hotline"))) == {"gb-police", "intl-police"}


@pytest.mark.parametrize("is_urgent", [False, True])
def test_of_a_country_without_members_a_mandated_hotline_and_the_bureau_take_one_part_each(is_urgent: bool) -> None:
    found = routed(declared("NO"), is_urgent=is_urgent)
    assert members(found) == {"gb-hotline", "intl-police"}
    assert rules_of(found, "gb-hotline") == ("route.no_hotline",)
    assert rules_of(found, "intl-police") == ("route.no_police",)


def test_a_chain_does_not_end_at_its_first_member_if_that_is_the_submitter() -> None:
    found = routed(declared("NO", submitter=MemberId("gb-hotline")))
    assert members(found) == {"intl-police"}
    assert ("gb-hotline", "route.own_report") in refusals(found)


def test_a_chain_goes_on_past_a_denied_and_past_a_suspended_member() -> None:
    choices = SharingChoices(deny_members=(MemberId("gb-hotline"),))
    assert members(routed(declared("NO", sharing=choices))) == {"intl-police"}
    assert members(routed(declared("NO"), without_members("gb-hotline"))) == {"intl-police"}


def test_a_chain_ends_at_the_last_resort() -> None:
    bundle = the_sample()
    short = Jurisdiction(country=CountryCode("NO"), name="Norway", code=JurisdictionCode("no"))
    found = routed(declared("NO"), a_bundle(jurisdictions={**bundle.jurisdictions, JurisdictionCode("no"): short}))
    assert members(found) == {"intl-police"}


@pytest.mark.parametrize("is_urgent", [False, True])
def test_a_country_that_the_policy_does_not_know_goes_to_a_mandated_hotline_and_to_the_last_resort(
    is_urgent: bool,
) -> None:
    assert members(routed(declared("ZZ"), is_urgent=is_urgent)) == {"gb-hotline", "intl-police"}
    found = routed(declared("ZZ"), without_members("gb-hotline"))
    assert rules_of(found, "intl-police") == ("route.no_jurisdiction",)


def test_where_nobody_takes_part_a_person_sees_it() -> None:
    found = routed(declared("NO"), without_members("gb-hotline", "intl-police"))
    assert (found.recipients, found.waiting_reasons) == ((), ("route.nobody",))


def test_a_hotline_does_not_get_its_own_report_and_the_police_do() -> None:
    found = routed(declared("NL", submitter=MemberId("nl-hotline")))
    assert members(found) == {"nl-police"}
    assert refusals(found) == {("nl-hotline", "route.own_report")}


@pytest.mark.parametrize(
    ("choices", "rule"),
    [
        (SharingChoices(deny_members=(MemberId("nl-police"),)), "route.submitter_denies_member"),
        (SharingChoices(deny_sectors=("lea",)), "route.submitter_denies_member"),
    ],
)
def test_the_submitter_may_leave_out_a_member_or_a_sector(choices: SharingChoices, rule: str) -> None:
    found = routed(declared("NL", sharing=choices))
    assert members(found) == {"nl-hotline"}
    assert refusals(found) == {("nl-police", rule)}


@pytest.mark.parametrize("country", ["NL", "nl"])
def test_whoever_denies_every_country_that_is_concerned_sends_the_report_to_a_person(country: str) -> None:
    found = routed(declared("NL", sharing=SharingChoices(deny_countries=(CountryCode(country),))))
    assert (found.recipients, found.waiting_reasons) == ((), ("route.all_denied",))


def test_what_is_not_illegal_anywhere_goes_nowhere_and_says_so() -> None:
    found = routed(hosted("NL"), verdicts=verdicts(Verdict.NOT_ILLEGAL, Verdict.NOT_ILLEGAL))
    assert found == Route(refusals=found.refusals)
    assert refusals(found) == {("", "route.not_illegal_anywhere")}


@pytest.mark.parametrize("incident_type", ["grooming", "sextortion", "travel", "unsolicited_material"])
def test_lawful_content_does_not_hide_the_conduct_beside_it(incident_type: str) -> None:
    report = replace(hosted("NL"), incident_types=(incident_type,))
    found = routed(report, verdicts=verdicts(Verdict.NOT_ILLEGAL))
    assert members(found) == {"nl-hotline", "nl-police"}
    assert found.waiting_reasons == ("route.not_illegal_but_conduct",)


@pytest.mark.parametrize(
    ("item", "rule", "waits"),
    [
        ({"synthetic_origin": SyntheticOrigin.PARTIAL}, "classify.realistic_synthetic", True),
        ({"realism": Realism.REALISTIC}, "classify.realistic_synthetic", True),
        (
            {"realism": Realism.REALISTIC, "synthetic_origin": SyntheticOrigin.FULL},
            "classify.realistic_synthetic",
            False,
        ),
        ({"realism": Realism.NON_REALISTIC}, "classify.non_realistic", False),
        ({"synthetic_origin": SyntheticOrigin.PARTIAL}, "classify.assessed_not_illegal", False),
    ],
)
def test_what_is_lawful_only_as_synthetic_is_seen_by_a_person_where_a_real_child_may_be_in_it(
    item: dict[str, Any], rule: str, waits: bool
) -> None:
    report = replace(hosted("NL"), items=(an_item(**item),))
    lawful = ItemVerdict(content_id=report.items[0].content_id, verdict=Verdict.NOT_ILLEGAL, rules=(rule,))
    found = routed(report, verdicts=(lawful,))
    assert found.waiting_reasons == (("route.not_illegal_but_maybe_real",) if waits else ())
    assert members(found) == ({"nl-hotline", "nl-police"} if waits else set())


def test_a_live_stream_is_conduct_whatever_the_law_says_of_its_content() -> None:
    report = replace(hosted("NL"), items=(an_item(live_stream=Ternary.YES),))
    found = routed(report, verdicts=verdicts(Verdict.NOT_ILLEGAL))
    assert found.waiting_reasons == ("route.not_illegal_but_conduct",)


def test_one_other_verdict_is_enough_to_send_it() -> None:
    assert routed(hosted("NL"), verdicts=verdicts(Verdict.NOT_ILLEGAL, Verdict.UNDETERMINED)).recipients


def test_what_is_not_illegal_but_urgent_is_delivered_and_waits_for_a_person() -> None:
    found = routed(hosted("NL"), verdicts=verdicts(Verdict.NOT_ILLEGAL), is_urgent=True)
    assert members(found) == {"nl-hotline", "nl-police"}
    assert found.waiting_reasons == ("route.not_illegal_but_urgent",)


def at_address(address: str, **hosting: Any) -> ReportSubmitted:
    place = a_hosting(country=CountryCode(""), ip_address=address, **hosting)
    return a_report(source_url=a_source_url(url="https://a.example.test/", hosting=place), items=())


@pytest.mark.parametrize(("address", "member"), [("198.51.100.7", "de-police"), ("2001:db8:2::9", "fr-police")])
def test_where_no_country_is_stated_the_address_tells(address: str, member: str) -> None:
    assert rules_of(routed(at_address(address)), member) == ("route.ip",)


def test_what_is_stated_goes_before_the_address() -> None:
    assert members(routed(hosted("NL", ip_address="198.51.100.7"))) == {"nl-hotline", "nl-police"}


@pytest.mark.parametrize("address", ["203.0.114.1", "no address", ""])
def test_an_address_that_nobody_knows_points_nowhere(address: str) -> None:
    assert routed(at_address(address)).waiting_reasons == ("route.no_evidence",)


def test_an_address_of_a_delivery_network_and_the_ending_of_a_name_are_too_weak() -> None:
    weak = at_address("198.51.100.7", content_delivery_network=Ternary.YES)
    named = a_report(source_url=a_source_url(url="https://www.example.de/1", hosting=None), items=())
    assert [routed(report).waiting_reasons for report in (weak, named)] == [("route.no_evidence",)] * 2
    (found,) = evidence(named, None, the_sample().country_of, NOON_MS)
    assert (found.country, found.kind) == ("DE", "domain")


def test_a_look_at_the_hosting_that_is_old_counts_half() -> None:
    old = hosted("NL", checked_at=an_instant(NOON_MS - 31 * 24 * HOUR_MS))
    assert [found.certainty for found in evidence(old, None, the_sample().country_of, NOON_MS)] == [0.5]
    assert "nl-police" in members(routed(old))


OWN = {"self_generated": Ternary.YES, "hosting": a_hosting(country=CountryCode("NL"))}


def own(**changes: Any) -> ReportSubmitted:
    whole = {"source_url": None, "incident_types": ("csam",), "items": (an_item(**OWN),)}
    return a_report(**(whole | changes))


def test_the_depicted_childs_own_content_goes_to_the_hotline_and_not_to_police() -> None:
    found = routed(own())
    assert members(found) == {"nl-hotline"}
    assert ("nl-police", "route.self_generated_support") in refusals(found)


@pytest.mark.parametrize(
    ("changes", "case"),
    [
        ({"incident_types": ("sextortion",)}, {}),
        ({"annotations": ("contact_abuse",)}, {}),
        ({"items": (an_item(**OWN), an_item(hosting=OWN["hosting"]))}, {}),
        ({"nexus": (a_nexus_claim(kind=NexusKind.SUSPECT, country=CountryCode("NL")),)}, {}),
        ({}, {"personal": PersonalPart(accounts=(an_account(role="suspect"),))}),
        ({}, {"is_urgent": True}),
    ],
)
def test_coercion_contact_or_somebody_else_brings_it_to_police(changes: dict[str, Any], case: dict[str, Any]) -> None:
    assert "nl-police" in members(routed(own(**changes), **case))


def judged(*rules: str, item: str = "item-1") -> tuple[ItemVerdict, ...]:
    return tuple(ItemVerdict(content_id=ContentId(item), verdict=Verdict.UNDETERMINED, rules=(rule,)) for rule in rules)


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (judged("classify.contradictory_claims"), ("route.conflict",)),
        (judged("classify.doubtful_law"), ("route.undetermined",)),
        (judged("classify.doubtful_law", "classify.no_human_label"), ()),
        (judged("classify.no_human_label"), ()),
        (
            (*judged("classify.doubtful_law"), *judged("classify.contradictory_claims", item="item-2")),
            ("route.conflict", "route.undetermined"),
        ),
        ((*judged("classify.doubtful_law"), ItemVerdict(content_id=ContentId("item-1"), verdict=Verdict.NATIONAL)), ()),
    ],
)
def test_what_people_judged_and_no_law_decides_waits_while_everybody_concerned_has_it(
    found: tuple[ItemVerdict, ...], reasons: tuple[str, ...]
) -> None:
    decided = routed(hosted("NL"), verdicts=found)
    assert decided.waiting_reasons == reasons
    assert members(decided) == {"nl-hotline", "nl-police"}, "an open question withholds nothing"
