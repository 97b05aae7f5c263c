"""What a recipient sees: nothing without a group that an agreement names, and nothing that leads to who hides."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from processors.steps.release.fields import ALWAYS, GROUPS, NEVER, STILL_NEEDED, TELLS_THE_SUBMITTER
from processors.steps.release.rules import Released, release, subject
from schemas.disclosure import Audience, field_rules
from schemas.records.identifiers import ContentId, MemberId
from schemas.records.referral import Referral
from schemas.records.report import ContentItem, Label, PersonalPart, SharingChoices
from schemas.records.triage import Priority
from schemas.records.values import Handling, SyntheticOrigin, Ternary, Tier
from tests.builders.policy import TODAY, a_bundle, the_sample, with_agreement, with_prohibition
from tests.builders.release import SUBMITTER_SAYS, a_full_referral, a_full_referral_of, a_recipient
from tests.builders.reports import a_governance, a_personal_part, a_report, an_instant, an_item
from tocsin.policy.bundle import Bundle
from tocsin.policy.words import FIELD_GROUPS

DEFAULTS = {
    field.name: field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    for field in msgspec.structs.fields(Referral)
    if not field.required
}
SHOWN_WITH_RED = ALWAYS | {"priority", "withheld"}


def released(
    member: str = "nl-police",
    bundle: Bundle | None = None,
    personal: PersonalPart | None = None,
    full: Referral | None = None,
    **report: Any,
) -> Released:
    full, bundle = full or a_full_referral(), bundle or the_sample()
    return release(full, subject(full, a_report(**report), personal, bundle), a_recipient(member), bundle)


def shown(found: Released) -> set[str]:
    return {name for name, default in DEFAULTS.items() if getattr(found.referral, name) != default}


def withheld(found: Released) -> dict[str, str]:
    return {field.path: field.rule for field in found.referral.withheld}


def test_every_field_of_a_referral_is_in_exactly_one_table() -> None:
    assert not ALWAYS & GROUPS.keys()
    assert ALWAYS | GROUPS.keys() == set(Referral.__struct_fields__)


def test_every_required_field_is_always_released_because_nothing_could_stand_in_its_place() -> None:
    required = {field.name for field in msgspec.structs.fields(Referral) if field.required}
    assert required <= ALWAYS


def test_what_is_always_released_is_operational_and_no_audience_of_recipients_is_kept_from_it() -> None:
    recipients = {Audience.HOTLINE, Audience.LEA, Audience.INTERNATIONAL, Audience.PLATFORM}
    for name in ALWAYS:
        assert field_rules(Referral)[name].sensitivity == "operational"
        assert recipients <= field_rules(Referral)[name].release


def test_the_groups_are_those_that_an_agreement_can_name_and_those_that_none_can() -> None:
    inside_items, another_record = {"hashes"}, {"personal"}
    assert set(GROUPS.values()) | inside_items | another_record == FIELD_GROUPS | NEVER.keys()
    assert not FIELD_GROUPS & NEVER.keys()


def test_the_builder_fills_every_field() -> None:
    assert {name for name, default in DEFAULTS.items() if getattr(a_full_referral(), name) != default} == set(
        DEFAULTS
    ) - {"mark"}


def test_a_field_of_no_table_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(GROUPS, "platform")
    found = released(bundle=a_bundle())
    assert found.referral.platform == ""
    assert withheld(found)["platform"] == "release.no_group"


@pytest.mark.parametrize("member", ["nl-police", "nl-hotline", "intl-police"])
def test_a_red_report_shows_no_field_of_the_case(member: str) -> None:
    found = released(member, handling=Handling(tlp="RED"), personal=a_personal_part())
    assert shown(found) <= SHOWN_WITH_RED
    assert found.personal is None
    assert withheld(found) == {"withheld": "release.tlp_red"}


def test_a_red_report_keeps_of_its_priority_only_what_makes_somebody_look_in_time() -> None:
    found = released(handling=Handling(tlp="RED"))
    full = a_full_referral().priority
    assert found.referral.priority == Priority(
        tier=Tier.URGENT, deadline=full.deadline, ruleset_version=full.ruleset_version
    )
    told = withheld(released(bundle=with_agreement(allow=("withheld",))))
    assert {path for path in told if path.startswith("priority")} == {
        "priority.score",
        "priority.uncertainty",
        "priority.reasons",
        "priority.rules",
    }


def test_what_stays_of_a_withheld_field_is_part_of_it() -> None:
    kinds = {name: type(getattr(a_full_referral(), name)) for name in STILL_NEEDED}
    for name, parts in STILL_NEEDED.items():
        assert set(parts) < set(kinds[name].__struct_fields__)


@pytest.mark.parametrize("tlp", ["PURPLE", "", "TLP:RED"])
def test_a_marking_that_no_agreement_names_is_denied(tlp: str) -> None:
    assert shown(released(handling=Handling(tlp=tlp))) <= SHOWN_WITH_RED


@pytest.mark.parametrize("group", sorted(FIELD_GROUPS - {"hashes", "personal", "withheld"}))
def test_a_group_is_seen_where_the_agreement_names_it_and_only_there(group: str) -> None:
    fields = {name for name, its_group in GROUPS.items() if its_group == group}
    assert fields <= shown(released(bundle=with_agreement(allow=(group,))))
    others = with_agreement(allow=tuple(FIELD_GROUPS - {group}))
    assert not (fields - STILL_NEEDED.keys()) & shown(released(bundle=others))


def test_free_text_and_foreign_sealed_parts_are_passed_on_by_no_agreement() -> None:
    found = released(bundle=with_agreement(allow=(*FIELD_GROUPS, "free_text", "sealed")))
    assert found.referral.memo is None
    assert found.referral.sealed == ()
    assert withheld(found)["memo"] == "release.free_text"
    assert withheld(found)["sealed"] == "release.sealed"


def test_without_an_agreement_nothing_of_the_case_is_seen() -> None:
    found = released(bundle=with_agreement(recipient_sectors=("platform",)))
    assert shown(found) <= SHOWN_WITH_RED
    assert withheld(found) == {"withheld": "release.no_agreement"}


def test_an_agreement_counts_from_its_first_day_and_no_longer_on_its_last() -> None:
    assert shown(released(bundle=with_agreement(valid_to=TODAY))) <= SHOWN_WITH_RED
    assert "items" in shown(released(bundle=with_agreement(valid_from=TODAY)))


def test_hashes_are_a_group_of_their_own_inside_the_items() -> None:
    found = released(bundle=with_agreement(allow=("content", "withheld")))
    assert [item.hashes for item in found.referral.items] == [(), ()]
    assert found.referral.items[0].url
    assert withheld(found)["items[0].hashes"] == "release.not_in_agreement"
    assert "items[1].hashes" not in withheld(found)


@pytest.mark.parametrize("field", sorted(TELLS_THE_SUBMITTER))
def test_a_hidden_submitter_is_told_by_no_field(field: str) -> None:
    assert field in shown(released())
    found = released(sharing=SharingChoices(hide_submitter=True))
    assert field not in shown(found)
    assert withheld(found)[field] == "release.submitter_hidden"


def test_a_hidden_submitter_is_not_told_by_the_ids_of_its_items_and_by_no_value_at_all() -> None:
    found = released(sharing=SharingChoices(hide_submitter=True))
    assert [item.external_ids for item in found.referral.items] == [{}, {}]
    assert withheld(found)["items[0].external_ids"] == "release.submitter_hidden"
    text = msgspec.json.encode(found.referral).decode()
    assert SUBMITTER_SAYS not in text
    assert "plat-a" not in text


@pytest.mark.parametrize("word", ["baseline", "iccam:baseline", "baseline_claimed"])
def test_a_label_that_the_submitter_denies_closes_every_agreement(word: str) -> None:
    found = released(sharing=SharingChoices(deny_labels=(word,)))
    assert shown(found) <= SHOWN_WITH_RED
    assert withheld(found) == {"withheld": "release.submitter_denies_label"}


@pytest.mark.parametrize(
    "choices", [{"deny_members": ("nl-police",)}, {"deny_sectors": ("lea",)}, {"deny_countries": ("nl",)}]
)
def test_whom_the_submitter_denies_sees_nothing_even_where_a_person_routes_it(choices: dict[str, Any]) -> None:
    found = released(sharing=SharingChoices(**choices), personal=a_personal_part())
    assert shown(found) <= SHOWN_WITH_RED
    assert found.personal is None
    assert withheld(found) == {"withheld": "release.submitter_denies"}


AN_A1 = an_item(content_id=ContentId("a1"), labels=(Label(scheme="industry", label="A1"),))
A_B2 = an_item(
    content_id=ContentId("b2"), labels=(Label(scheme="industry", label="B2"),), url="https://b2.example.test/"
)
TWO_ITEMS = a_full_referral_of(AN_A1, A_B2)


def test_a_prohibition_wins_over_every_agreement_and_only_for_its_label() -> None:
    bundle = with_prohibition(rule="sharing.no-b2-to-police", labels=("industry:B2",), forbid=("content",))
    found = released(bundle=bundle, full=TWO_ITEMS)
    assert found.referral.items == (AN_A1, ContentItem())
    assert withheld(found)["items[1]"] == "sharing.no-b2-to-police"
    assert "https://b2.example.test/" not in msgspec.json.encode(found.referral).decode()


def test_what_stands_beside_the_items_speaks_of_all_of_them() -> None:
    bundle = with_prohibition(rule="sharing.no-b2-to-police", labels=("industry:B2",), forbid=("content",))
    found = released(bundle=bundle, full=TWO_ITEMS)
    assert found.referral.source_url is None
    assert found.referral.content_keys == ()
    assert withheld(found)["source_url"] == "sharing.no-b2-to-police"


def test_the_verdict_on_an_item_goes_with_the_item() -> None:
    bundle = with_prohibition(rule="no-b2", labels=("industry:B2",), forbid=("assessment",))
    found = released(bundle=bundle, full=TWO_ITEMS)
    assert [verdict.content_id for verdict in found.referral.verdicts] == ["a1"]
    assert withheld(found)["verdicts[1]"] == "no-b2"


def test_an_agreement_for_some_labels_covers_nothing_else_and_nothing_without_a_label() -> None:
    bundle = with_agreement(labels=("industry:A1",))
    full = a_full_referral_of(AN_A1, A_B2, an_item(content_id=ContentId("none"), labels=(), apparent_age_band=""))
    found = released(bundle=bundle, full=full)
    assert found.referral.items == (AN_A1, ContentItem(), ContentItem())


def test_an_agreement_that_leaves_a_label_out_does_not_cover_it() -> None:
    found = released(bundle=with_agreement(deny_labels=("industry:B2",)), full=TWO_ITEMS)
    assert found.referral.items == (AN_A1, ContentItem())


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"self_generated": Ternary.YES}, "self_generated"),
        ({"live_stream": Ternary.YES}, "live_stream"),
        ({"synthetic_origin": SyntheticOrigin.PARTIAL}, "synthetic"),
        ({"apparent_age_band": "0-2"}, "infant"),
        ({"annotations": ("self_generated",)}, "self_generated"),
        ({"labels": (Label(scheme="vics_us", label="3"),)}, "synthetic"),
        ({"labels": (Label(scheme="vics_us", label="3"),)}, "drawn"),
    ],
)
def test_no_way_of_saying_it_goes_around_a_prohibition(said: dict[str, Any], word: str) -> None:
    bundle = with_prohibition(rule="no-such", labels=(word,), forbid=("content",))
    found = released(bundle=bundle, full=a_full_referral_of(an_item(**said)))
    assert found.referral.items == ()
    assert withheld(found)["items"] == "no-such"


def test_a_prohibition_without_a_list_is_for_everything() -> None:
    bundle = with_prohibition(rule="closed", purposes=("removal_and_investigation",))
    found = released(bundle=bundle, personal=a_personal_part())
    assert shown(found) <= SHOWN_WITH_RED
    assert (found.personal, withheld(found)) == (None, {"withheld": "closed"})


def test_a_prohibition_counts_only_on_its_days() -> None:
    assert "items" in shown(released(bundle=with_prohibition(rule="over", valid_to=TODAY)))
    assert "items" not in shown(released(bundle=with_prohibition(rule="now", valid_from=TODAY)))


@pytest.mark.parametrize(
    ("report", "rule"),
    [
        ({"handling": Handling(tlp="RED")}, "release.tlp_red"),
        ({"handling": Handling(tlp="PURPLE")}, "release.tlp"),
        ({"handling": Handling(pap="RED")}, "release.pap"),
        ({"handling": Handling(handling_code="H2")}, "release.handling_code"),
        ({"governance": a_governance(purpose="investigation")}, "release.purpose"),
        ({"governance": a_governance(purpose="")}, "release.purpose"),
    ],
)
def test_what_the_agreement_does_not_cover_is_denied_and_named(report: dict[str, Any], rule: str) -> None:
    found = released("nl-hotline", **report)
    assert shown(found) <= SHOWN_WITH_RED
    assert withheld(found) == {"withheld": rule}


def test_police_see_what_is_marked_for_police() -> None:
    handling = Handling(pap="RED", handling_code="H2")
    assert "items" in shown(released("nl-police", handling=handling))


@pytest.mark.parametrize(("submitter", "has_it"), [("ngo-b", True), ("de-hotline-b", False), ("plat-a", False)])
def test_inside_an_organisation_more_may_be_shared_than_between_two(submitter: str, has_it: bool) -> None:
    found = released("gb-hotline", personal=a_personal_part(), submitter=MemberId(submitter))
    assert (found.personal is not None) is has_it


def test_a_prohibition_may_be_for_other_organisations_only() -> None:
    bundle = with_prohibition(rule="inside-only", organisations="other", recipient_sectors=("hotline",))
    assert "items" in shown(released("gb-hotline", bundle, submitter=MemberId("ngo-b")))
    assert "items" not in shown(released("gb-hotline", bundle, submitter=MemberId("plat-a")))


def test_what_was_withheld_is_a_field_itself_of_which_the_rule_stays() -> None:
    listed = set(FIELD_GROUPS) - {"withheld", "hashes"}
    found = released(bundle=with_agreement(allow=tuple(listed)))
    assert withheld(found) == {"withheld": "release.not_in_agreement"}


@pytest.mark.parametrize(
    ("submitter", "member", "rule"),
    [
        ("plat-a", "nl-police", ""),
        ("plat-a", "intl-police", ""),
        ("nl-hotline", "de-police", ""),
        ("nl-hotline", "us-police", "release.no_transfer_basis"),
        ("plat-a", "nl-hotline", "release.not_in_agreement"),
    ],
)
def test_the_personal_part_needs_the_agreement_and_a_basis_between_the_countries(
    submitter: str, member: str, rule: str
) -> None:
    found = released(member, personal=a_personal_part(), submitter=MemberId(submitter))
    assert (found.personal is None) is bool(rule)
    assert withheld(found).get("personal", "") == rule


def test_what_is_withheld_is_told_only_where_there_was_something() -> None:
    full = replace(a_full_referral(), memo=None, platform="")
    paths = withheld(released(full=full, bundle=with_agreement(allow=("withheld",))))
    assert "memo" not in paths
    assert "platform" not in paths


def test_a_basis_counts_only_while_it_is_in_force() -> None:
    sample = the_sample()
    ended = tuple(replace(basis, valid_to=TODAY) for basis in sample.sharing.transfer)
    bundle = replace(sample, sharing=replace(sample.sharing, transfer=ended))
    assert released(bundle=bundle, personal=a_personal_part()).personal is None
    assert an_instant().epoch_ms == a_full_referral().triaged_as_of.epoch_ms
