"""What a Return does to content items: all of it or nothing, by ICCAM's rules (domain facts 1.4)."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from processors.decision import Naming, propose
from processors.intake import Accepted
from processors.items import items_of, judged
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.selectors import Keys
from schemas.catalogue import catalogue
from schemas.item_state import _RULES, Actor, ItemState, is_described
from schemas.records.answers import Outcome
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import ContentItem, Hosting, Label
from schemas.records.values import Realism, Ternary
from tests.builders.answers import REPORT, an_outcome_return
from tests.builders.policy import TODAY, the_sample, without_members
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_source_url, an_instant, an_item
from tocsin.policy.authority import actor_of
from tocsin.policy.bundle import Bundle
from tocsin.runtime.ledger.items import ItemKey, ItemMade

NL_HOTLINE, DE_HOTLINE, NL_POLICE = MemberId("nl-hotline"), MemberId("de-hotline-a"), MemberId("nl-police")
ONE, TWO = ContentId("item-1"), ContentId("item-2")
NAMING = Naming(keys=Keys(digest=(b"k" * 32,), recipient=b"r" * 32), veil=Veil(b"v" * 32))
REMOVED, TO_POLICE = Outcome(content_id=ONE, action="removed"), Outcome(content_id=ONE, action="reported_to_lea")
NATIONAL, BASELINE = (
    Outcome(content_id=ONE, classification="national"),
    Outcome(content_id=ONE, classification="baseline"),
)
NOT_ILLEGAL = Outcome(content_id=ONE, classification="not_illegal")


def an_item_state(classification: str = "", country: str = "NL", actions: tuple[str, ...] = ()) -> ItemState:
    return ItemState(hosting_country=country, assigned_country=country, classification=classification, actions=actions)


def states(**by_item: ItemState) -> dict[ItemKey, ItemState]:
    return {(REPORT, ContentId(name.replace("_", "-"))): state for name, state in by_item.items()}


def said(
    member: MemberId, before: Mapping[ItemKey, ItemState], *outcomes: Outcome, bundle: Bundle | None = None
) -> tuple[str, Mapping[ItemKey, ItemState]]:
    authority = partial(actor_of, member, bundle=bundle or the_sample(), on=TODAY)
    found = judged(an_outcome_return(member, *outcomes), before, authority)
    assert [act.position for act in found.done] == list(range(len(found.done)))
    return found.refused, found.states


def refused(member: MemberId, before: ItemState, *outcomes: Outcome) -> str:
    code, after = said(member, states(item_1=before), *outcomes)
    assert bool(code) == (after == states(item_1=before)), "what is refused changes nothing"
    return code


@pytest.mark.parametrize("later", [NATIONAL, NOT_ILLEGAL, BASELINE])
def test_baseline_is_final_for_everybody(later: Outcome) -> None:
    for member in (NL_HOTLINE, DE_HOTLINE):
        assert refused(member, an_item_state("baseline"), later) == "item.baseline_is_final"


def test_actions_on_baseline_are_recorded_and_it_is_never_not_illegal() -> None:
    assert refused(NL_HOTLINE, an_item_state("baseline"), TO_POLICE, REMOVED) == ""
    denied = Outcome(content_id=ONE, action="not_illegal")
    assert refused(NL_HOTLINE, an_item_state("baseline"), denied) == "item.baseline_is_final"


def test_national_is_overruled_by_the_assigned_country_alone() -> None:
    assert refused(DE_HOTLINE, an_item_state("national"), NOT_ILLEGAL) == "item.not_assigned"
    assert refused(NL_POLICE, an_item_state("national"), NOT_ILLEGAL) == "item.not_assigned"
    assert refused(NL_HOTLINE, an_item_state("national"), NOT_ILLEGAL) == ""


def test_only_national_is_overruled() -> None:
    assert refused(NL_HOTLINE, an_item_state("not_illegal"), NATIONAL) == "item.only_national"


def test_a_first_assessment_is_any_hotlines_and_no_polices() -> None:
    assert refused(DE_HOTLINE, an_item_state(), NATIONAL) == ""
    assert refused(DE_HOTLINE, an_item_state("doubtful"), NATIONAL) == ""
    assert refused(NL_POLICE, an_item_state(), NATIONAL) == "item.not_a_hotline"


def test_nobody_assesses_after_an_action() -> None:
    acted = an_item_state("national", actions=("reported_to_lea",))
    assert refused(NL_HOTLINE, acted, NOT_ILLEGAL) == "item.acted_on"
    assert refused(NL_HOTLINE, an_item_state("national"), TO_POLICE, NOT_ILLEGAL) == "item.acted_on"


def test_only_the_assigned_country_acts() -> None:
    for member in (DE_HOTLINE, NL_POLICE):
        assert refused(member, an_item_state(), REMOVED) == "item.not_assigned"


@pytest.mark.parametrize("final", ["removed", "unavailable", "not_illegal"])
@pytest.mark.parametrize("later", [TO_POLICE, Outcome(content_id=ONE, hosting_country=CountryCode("DE"))])
def test_nothing_follows_a_final_action(final: str, later: Outcome) -> None:
    assert refused(NL_HOTLINE, an_item_state(actions=(final,)), later) == "item.ended"


def test_notices_are_intermediate_and_the_same_one_twice_is_refused() -> None:
    to_host = Outcome(content_id=ONE, action="reported_to_isp")
    assert refused(NL_HOTLINE, an_item_state(), TO_POLICE, to_host, REMOVED) == ""
    assert refused(NL_HOTLINE, an_item_state(), TO_POLICE, TO_POLICE) == "item.same_action"
    assert refused(NL_HOTLINE, an_item_state(actions=("removed",)), REMOVED) == "item.same_action"


def test_a_move_is_two_steps_and_the_next_country_then_decides() -> None:
    to, theirs = (
        Outcome(content_id=ONE, action="moved", hosting_country=CountryCode("DE")),
        Outcome(content_id=ONE, action="moved", assigned_country=CountryCode("DE")),
    )
    assert refused(NL_HOTLINE, an_item_state(), theirs) == "item.host_first"
    assert refused(NL_HOTLINE, an_item_state(), to, to) == "item.same_host"
    code, moved = said(NL_HOTLINE, states(item_1=an_item_state("national")), to, theirs)
    assert code == ""
    assert said(NL_HOTLINE, moved, REMOVED)[0] == "item.not_assigned"
    assert said(DE_HOTLINE, moved, NOT_ILLEGAL)[0] == ""


PAGE = a_source_url(commerciality="commercial", payment_methods=("other",))
MONITORED = Outcome(content_id=ONE, action="monitoring")


@pytest.mark.parametrize(
    "lacking", [{"site_type": ""}, {"commerciality": "not_determined"}, {"payment_methods": ()}, {"commerciality": ""}]
)
def test_a_report_moves_to_monitoring_only_when_its_page_is_described(lacking: dict[str, Any]) -> None:
    for page, code in ((PAGE, ""), (replace(PAGE, **lacking), "item.not_described"), (None, "item.not_described")):
        assert refused(NL_HOTLINE, replace(an_item_state(), is_described=is_described(page)), MONITORED) == code


def test_triage_says_of_an_item_whether_its_page_is_described() -> None:
    for page, known in ((PAGE, True), (replace(PAGE, payment_methods=()), False)):
        report = a_report(source_url=page)
        (found,) = items_of(propose(Accepted(report=report), the_sample(), NAMING, NOON_MS), the_sample())
        assert found.is_described is known


def test_monitoring_is_the_assigned_countrys_once_and_ends_nothing() -> None:
    described = replace(an_item_state("national"), is_described=True)
    assert refused(DE_HOTLINE, described, MONITORED) == "item.not_assigned"
    assert refused(NL_HOTLINE, described, MONITORED, MONITORED) == "item.same_action"
    assert refused(NL_HOTLINE, described, MONITORED, NOT_ILLEGAL, TO_POLICE, REMOVED) == ""
    assert refused(NL_HOTLINE, described, REMOVED, MONITORED) == "item.ended"


def test_a_return_is_accepted_whole_or_not_at_all() -> None:
    before = states(item_1=an_item_state(), item_2=an_item_state(country="DE"))
    code, after = said(NL_HOTLINE, before, REMOVED, Outcome(content_id=TWO, action="removed"))
    assert (code, after) == ("item.not_assigned", before)


def test_an_outcome_that_names_no_item_concerns_those_that_are_the_members_to_decide() -> None:
    before = states(item_1=an_item_state(), item_2=an_item_state(country="DE"))
    code, after = said(NL_HOTLINE, before, Outcome(action="removed"))
    assert code == ""
    assert [after[REPORT, one].actions for one in (ONE, TWO)] == [("removed",), ()]
    assert said(NL_POLICE, before, Outcome(action="removed"))[0] == "item.not_assigned"


def test_an_item_that_the_report_does_not_have_and_a_word_of_no_vocabulary_are_refused() -> None:
    assert said(NL_HOTLINE, states(item_1=an_item_state()), Outcome(content_id=TWO, action="removed"))[0] == (
        "item.unknown"
    )
    assert refused(NL_HOTLINE, an_item_state(), Outcome(content_id=ONE, action="burnt")) == "item.unknown_value"


def test_to_say_how_useful_it_was_changes_no_item() -> None:
    assert said(NL_POLICE, states(item_1=an_item_state()), Outcome(identified=Ternary.YES)) == (
        "",
        states(item_1=an_item_state()),
    )


@pytest.mark.parametrize(
    ("member", "country", "is_assigned"),
    [
        ("nl-hotline", "NL", True),
        ("nl-police", "NL", False),
        ("de-hotline-b", "DE", True),
        ("gb-hotline", "UK", True),
        ("gb-hotline", "NO", True),
        ("intl-police", "NO", True),
        ("nl-hotline", "NO", False),
        ("nl-hotline", "", True),
    ],
)
def test_who_decides_on_items_of_a_country(member: str, country: str, is_assigned: bool) -> None:
    assert actor_of(MemberId(member), country, the_sample(), TODAY).is_assigned is is_assigned


def test_where_a_hotline_is_suspended_its_countrys_police_and_fall_back_decide() -> None:
    bundle = without_members("nl-hotline")
    for member, expected in (("nl-police", True), ("intl-police", True), ("fr-hotline", False)):
        assert actor_of(MemberId(member), "NL", bundle, TODAY) == Actor(
            is_assigned=expected, is_hotline=member == "fr-hotline"
        )


def made(submitter: str, **item: object) -> ItemMade:
    report = a_report(submitter=MemberId(submitter), items=(an_item(**item),))
    (found,) = items_of(propose(Accepted(report=report), the_sample(), NAMING, NOON_MS), the_sample())
    return found


def test_assignment_follows_the_hosting_country_and_a_delivery_network_hosts_nowhere() -> None:
    uk = Hosting(country=CountryCode("UK"))
    network = Hosting(country=CountryCode("NL"), content_delivery_network=Ternary.YES)
    by_address = Hosting(ip_address="198.51.100.3")
    assert [made("ngo-b", hosting=one).assigned_country for one in (uk, network, by_address, None)] == [
        "GB",
        "",
        "DE",
        "NL",
    ]


def test_a_hotlines_label_is_an_assessment_and_a_platforms_is_not() -> None:
    label = (Label(scheme="iccam", label="national"), Label(scheme="iccam", label="baseline"))
    assert made("fr-hotline", labels=label).classification == "baseline"
    assert made("plat-a", labels=label).classification == ""
    assert made("fr-hotline", labels=label, realism=Realism.NON_REALISTIC).classification == "national"


def test_a_report_without_items_is_one_thing_that_is_assigned_to_nobody() -> None:
    report = a_report(items=(), source_url=None)
    (found,) = items_of(propose(Accepted(report=report), the_sample(), NAMING, NOON_MS), the_sample())
    assert (found.content_id, found.assigned_country) == (ContentItem().content_id, "")


def test_every_rule_has_its_words() -> None:
    assert {code for _, code, _ in _RULES} | {"item.unknown"} <= set(catalogue())


@pytest.mark.parametrize("at_ms", [None, NOON_MS])
def test_triage_says_when_the_submitter_saw_where_an_item_lies(at_ms: int | None) -> None:
    checked_at = None if at_ms is None else an_instant(at_ms)
    report = a_report(items=(an_item(hosting=a_hosting(country=CountryCode("FR"), checked_at=checked_at)),))
    (found,) = items_of(propose(Accepted(report=report), the_sample(), NAMING, NOON_MS), the_sample())
    assert (found.assigned_country, found.looked_at_ms) == ("FR", at_ms)
