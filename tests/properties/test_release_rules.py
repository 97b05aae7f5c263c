"""Release never yields a field that is not allowed, and never invents one."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.steps.release.fields import ALWAYS, GROUPS, NEVER, STILL_NEEDED, TELLS_THE_SUBMITTER
from processors.steps.release.rules import release, subject
from schemas.disclosure import Audience, field_rules
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart, SharingChoices
from schemas.records.values import Handling
from schemas.vocabularies import vocabulary
from tests.builders.any_record import any_record
from tests.builders.policy import the_sample, with_agreement
from tests.builders.release import a_full_referral, a_recipient
from tests.builders.reports import a_report, an_instant
from tocsin.policy.bundle import Bundle
from tocsin.policy.words import FIELD_GROUPS

RECEIVERS = sorted(member.id for member in the_sample().members.values() if member.receives)
AUDIENCES = {"hotline": Audience.HOTLINE, "lea": Audience.LEA, "international": Audience.INTERNATIONAL}
TLP = sorted(vocabulary("tlp").codes)
GROUPS_ALLOWED = st.sets(st.sampled_from(sorted(FIELD_GROUPS | NEVER.keys())))
BUNDLES = st.builds(
    lambda allow, tlp: with_agreement(allow=tuple(allow), tlp=tuple(tlp)),
    GROUPS_ALLOWED,
    st.sets(st.sampled_from(TLP)),
)
REFERRALS = any_record(Referral).map(lambda found: replace(found, triaged_as_of=an_instant()))
REPORTS = st.builds(
    lambda tlp, hides: a_report(handling=Handling(tlp=tlp), sharing=SharingChoices(hide_submitter=hides)),
    st.sampled_from([*TLP, "PURPLE"]),
    st.booleans(),
)
MEMBERS = st.sampled_from(RECEIVERS)
DEFAULTS: dict[str, Any] = {
    field.name: field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    for field in msgspec.structs.fields(Referral)
    if not field.required
}


def allowed_groups(bundle: Bundle, tlp: str) -> set[str]:
    (agreement, *_) = bundle.sharing.agreement
    return set(agreement.allow) - NEVER.keys() if tlp in agreement.tlp else set()


@given(REFERRALS, REPORTS, MEMBERS, BUNDLES)
def test_no_field_is_seen_that_ceiling_agreement_or_choice_denies(
    full: Referral, report: Any, member: Any, bundle: Bundle
) -> None:
    found = release(full, subject(full, report, None, bundle), a_recipient(member), bundle).referral
    audience = AUDIENCES[the_sample().members[member].sector]
    groups = allowed_groups(bundle, report.handling.tlp)
    for name, default in DEFAULTS.items():
        if getattr(found, name) == default or name in STILL_NEEDED or name == "withheld":
            continue
        assert audience in field_rules(Referral)[name].release
        assert name in ALWAYS or GROUPS[name] in groups
        assert not (report.sharing.hide_submitter and name in TELLS_THE_SUBMITTER)


@given(REFERRALS, REPORTS, MEMBERS, BUNDLES)
def test_what_is_gone_is_told_and_what_is_seen_is_not_invented(
    full: Referral, report: Any, member: Any, bundle: Bundle
) -> None:
    found = release(full, subject(full, report, None, bundle), a_recipient(member), bundle).referral
    told = {field.path.partition(".")[0].partition("[")[0] for field in found.withheld}
    if told == {"withheld"}:
        told = set(Referral.__struct_fields__)
    for name in set(Referral.__struct_fields__) - {"withheld"}:
        if getattr(found, name) != getattr(full, name):
            assert name in told


@given(any_record(PersonalPart), REPORTS, MEMBERS, BUNDLES)
def test_a_personal_part_is_seen_only_with_its_group(
    personal: PersonalPart, report: Any, member: Any, bundle: Bundle
) -> None:
    full = Referral(
        referral_id=report.report_id,
        report_id=report.report_id,
        recipient=member,
        jurisdiction=the_sample().members[member].jurisdiction,
        submitted_at=an_instant(),
        triaged_as_of=an_instant(),
    )
    shown = release(full, subject(full, report, personal, bundle), a_recipient(member), bundle).personal
    assert shown is None or "personal" in allowed_groups(bundle, report.handling.tlp)


@given(REFERRALS, st.lists(st.tuples(REPORTS, MEMBERS), min_size=2, max_size=6))
def test_what_was_remembered_of_other_reports_changes_nothing(full: Referral, asked: list[tuple[Any, Any]]) -> None:
    seen = with_agreement(allow=("assessment",), tlp=("CLEAR",))
    for report, member in asked:
        fresh = replace(seen)  # its memory is empty
        once, again = (release(full, subject(full, report, None, b), a_recipient(member), b) for b in (fresh, seen))
        assert once == again


def test_a_report_that_denies_more_than_a_bundle_remembers_is_decided_all_the_same() -> None:
    bundle, member, full = the_sample(), RECEIVERS[0], a_full_referral()
    denied = SharingChoices(deny_members=(*(MemberId(f"nobody-{n}") for n in range(1_000)), member))
    report = a_report(sharing=denied)
    about = subject(full, report, None, bundle)
    assert about.asked is None
    assert "release.submitter_denies" in {
        each.rule for each in release(full, about, a_recipient(member), bundle).referral.withheld
    }
