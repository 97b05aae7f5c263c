"""From a draft to the record: screened, filled from the profile, in the right lane."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.steps.prioritise.rules import gates
from processors.steps.prioritise.signals import Facts
from producers.building import Checked, checked, report_of
from producers.feeds.entries import Rejection
from producers.lanes import Lane, lane_of
from schemas.codec import decode, encode
from schemas.records.identifiers import ContentId
from schemas.records.report import AccountIdentifier, Escalation, Governance, PersonalPart, ReportSubmitted
from schemas.records.values import Handling, Instant, Mark, Provenance, Ternary, Text
from schemas.screening import screen
from schemas.sealing import personal_part
from tests.builders.drafts import a_checked, a_draft, a_profile, a_submitter, an_entry, codes
from tests.builders.reports import NOON_MS, an_item
from tocsin.policy.bundle import SAMPLE, load

RULES = load(SAMPLE).priority
IMAGE = "iVBORw0KGgo" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo" * 8


def test_what_the_report_does_not_state_comes_from_the_profile_and_says_so() -> None:
    stated = Governance(legal_basis="own-basis")
    report = report_of(a_draft(governance=stated), a_submitter(profile=a_profile(tlp="RED")), NOON_MS)
    assert report.governance.legal_basis == "own-basis"
    assert "legal_basis" not in report.governance.from_profile
    assert {"purpose", "controller", "retain_until"} <= set(report.governance.from_profile)
    assert report.governance.provenance is Provenance.FROM_PROFILE
    assert report.handling.tlp == "RED"


def test_what_the_report_states_wins_over_the_profile() -> None:
    names = ("legal_basis", "necessity", "proportionality", "purpose", "controller")
    own: dict[str, Any] = dict.fromkeys(names, "own")
    full = Governance(**own, retain_until=Instant(epoch_ms=1))
    report = report_of(a_draft(governance=full, handling=Handling(tlp="CLEAR")), a_submitter(), NOON_MS)
    assert (report.governance.from_profile, report.governance.provenance) == ((), Provenance.EXPLICIT)
    assert report.handling.tlp == "CLEAR"


def test_the_personal_part_travels_sealed_and_nowhere_else() -> None:
    part = PersonalPart(accounts=(AccountIdentifier(value="example-user"),))
    report = report_of(a_draft(personal=part), a_submitter(), NOON_MS)
    assert personal_part(report.sealed[0]) == part
    assert report_of(a_draft(), a_submitter(), NOON_MS).sealed == ()


def test_each_item_has_an_id_of_its_own() -> None:
    items = (
        an_item(content_id=ContentId("item-2")),
        an_item(content_id=ContentId("")),
        an_item(content_id=ContentId("")),
    )
    report = report_of(a_draft(items=items), a_submitter(), NOON_MS)
    ids = [item.content_id for item in report.items]
    assert ids[0] == "item-2"
    assert len(set(ids)) == 3


def test_a_hit_in_a_field_that_may_be_empty_empties_it_and_is_told() -> None:
    one = checked(an_entry(memo=Text(text=IMAGE)))
    assert isinstance(one, Checked)
    assert IMAGE not in repr(one.draft)
    assert codes_of(one) == ["firewall.base64"]


def test_a_hit_in_the_reference_refuses_the_report_without_repeating_it() -> None:
    one = checked(an_entry(submitter_reference=IMAGE))
    assert isinstance(one, Rejection)
    assert codes(one) == ["firewall.base64"]
    assert IMAGE not in "".join(map(str, one.problems))


@pytest.mark.parametrize("text", ["data:image/png;base64,QUJDRA==", f"see {IMAGE} here"])
def test_data_uris_and_encoded_files_never_pass(text: str) -> None:
    one = checked(an_entry(platform=text))
    assert text not in repr(getattr(one, "draft", one.problems if isinstance(one, Rejection) else None))


def test_a_report_above_the_limit_is_refused() -> None:
    items = tuple(
        an_item(content_id=ContentId(f"i{n}"), url=f"https://a.example.test/{'p/' * 300}{n}") for n in range(400)
    )
    assert codes(checked(an_entry(items=items))) == ["report.too_large"]  # type: ignore[arg-type]


def test_test_marks_are_put_on_whatever_the_file_says() -> None:
    one = checked(an_entry(), mark=Mark.TEST)
    assert isinstance(one, Checked)
    assert one.draft.mark is Mark.TEST


def test_the_digest_is_of_what_was_stated_and_not_of_revision_or_mark() -> None:
    assert a_checked().digest == a_checked(revision=3, mark=Mark.TEST).digest
    assert a_checked().digest != a_checked(platform="another").digest


@pytest.mark.parametrize(
    "changes",
    [
        {"escalation": Escalation(reason_code="imminent_danger")},
        {"incident_types": ("sextortion",)},
        {"incident_types": ("trafficking",)},
        {"incident_types": ("live_streaming",)},
        {"annotations": ("sadistic_online_exploitation",)},
        {"items": (an_item(live_stream=Ternary.YES),)},
        {"items": (an_item(annotations=("sextortion",)),)},
    ],
)
def test_a_gate_field_or_a_reason_takes_the_escalated_lane(changes: dict[str, Any]) -> None:
    assert lane_of(a_draft(**changes)) is Lane.ESCALATED


CODES = st.sampled_from(
    [
        "csam",
        "grooming",
        "sextortion",
        "trafficking",
        "live_streaming",
        "viral",
        "sadistic_online_exploitation",
        "infant",
        "imminent_danger",
        "live_stream",
    ]
)


@given(
    types=st.lists(CODES, max_size=3),
    annotations=st.lists(CODES, max_size=2),
    live=st.sampled_from(list(Ternary)),
    escalated=st.booleans(),
)
def test_the_lane_is_escalated_exactly_where_a_gate_of_the_priority_rules_fires(
    types: list[str], annotations: list[str], live: Ternary, escalated: bool
) -> None:
    draft = a_draft(
        incident_types=tuple(types),
        items=(an_item(live_stream=live, annotations=tuple(annotations)),),
        escalation=Escalation(reason_code="other") if escalated else None,
    )
    report = report_of(draft, a_submitter(), NOON_MS)
    fired = gates(Facts(report=report, now_ms=NOON_MS), RULES)
    assert (lane_of(draft) is Lane.ESCALATED) == bool(fired)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
def test_every_report_that_is_built_passes_the_firewall_and_its_own_schema(platform: str) -> None:
    one = checked(an_entry(platform=platform))
    if isinstance(one, Checked):
        report = report_of(one.draft, a_submitter(), NOON_MS)
        assert not screen(report).findings
        assert decode(ReportSubmitted, encode(report)) == report


def codes_of(one: Checked) -> list[str]:
    return [notice.code for notice in one.notices]
