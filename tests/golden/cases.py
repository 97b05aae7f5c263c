"""One record per incident type and per kind of message: synthetic, complete where its kind needs it."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from schemas.records.answers import LabelAdded, Outcome, Question, ReferralsRead, Return, ReturnKind, Status, StatusKind
from schemas.records.identifiers import ContentId, CountryCode, JurisdictionCode, MemberId, referral_id_of
from schemas.records.referral import Referral, Withheld
from schemas.records.report import (
    AiSignal,
    EstimatedLocation,
    ItemAction,
    Label,
    LawEnforcementNotice,
    ReportSubmitted,
    SharingChoices,
)
from schemas.records.ruling import Ruling, RulingCause
from schemas.records.triage import Completeness, ItemVerdict, Link, Priority, Recipient, ReportTriaged, RouteRefusal
from schemas.records.values import (
    Coordinate,
    Handling,
    Mark,
    Novelty,
    PolicyVersion,
    Realism,
    SealedPart,
    SyntheticOrigin,
    Ternary,
    Text,
    Tier,
    TimePrecision,
    Verdict,
)
from schemas.vocabularies import vocabulary
from tests.builders.reports import (
    HOUR_MS,
    MD5,
    NOON_MS,
    a_hash,
    a_hosting,
    a_nexus_claim,
    a_personal_part,
    a_report,
    a_source_url,
    a_withdrawal,
    an_account,
    an_escalation,
    an_incident,
    an_instant,
    an_item,
)

NL_HOTLINE, NL_POLICE = MemberId("nl-hotline"), MemberId("nl-police")
NL = JurisdictionCode("nl")
POLICY = PolicyVersion(bundle="0" * 64, parts={"routes": "2026-01-01"})


def cases() -> Mapping[str, Struct]:
    """All golden records by name; the name is the file's."""
    reports: dict[str, Struct] = {f"report_{name}": report for name, report in (_incidents() | _items()).items()}
    return reports | _decisions() | _answers()


def _incidents() -> dict[str, ReportSubmitted]:
    """Every incident type without URL, hash or item, and the three that matter most in full."""
    plain = {
        code: an_incident(code, submitter_reference=f"incident-{code}") for code in vocabulary("incident_type").codes
    }
    grown_up = an_account(person_index=0, prior_report_ids=("ncmec:1",), age_band="adult", age_disputed=Ternary.YES)
    location = EstimatedLocation(country=CountryCode("DE"), city="Example City", person_index=0)
    force = LawEnforcementNotice(agency="Example Police (simulated)", country=CountryCode("DE"), case_number="0000/26")
    return plain | {
        "grooming": an_incident(
            "grooming",
            submitter_reference="incident-grooming",
            victim_age_band="11-13",
            detection_method="behavioural_analysis",
            held_material=("conversations", "profile"),
            incident_at=an_instant(NOON_MS - 3 * HOUR_MS, precision=TimePrecision.HOUR, utc_offset_minutes=60),
            personal=a_personal_part(accounts=(grown_up,), locations=(location,)),
        ),
        "sextortion": an_incident(
            "sextortion",
            submitter_reference="incident-sextortion",
            victim_age_band="14-15",
            escalation=an_escalation(reason_code="suicide_risk"),
            law_enforcement=(force,),
            account_suspended=Ternary.YES,
        ),
        "live_streaming": an_incident(
            "live_streaming",
            submitter_reference="incident-live-streaming",
            annotations=("live_streaming", "imminent_danger"),
            escalation=an_escalation(reason_code="live_now"),
            nexus=(a_nexus_claim(), a_nexus_claim(country=CountryCode("NO"), source="ip")),
        ),
    }


def _items() -> dict[str, ReportSubmitted]:
    perceptual = (a_hash(algorithm="pdq", value="a1" * 32, quality=80), a_hash(algorithm="md5", value=MD5))
    synthetic = an_item(
        hashes=perceptual,
        synthetic_origin=SyntheticOrigin.FULL,
        realism=Realism.REALISTIC,
        ai_signals=(AiSignal(model_id="example", model_version="1", score=0.91, threshold=0.8, calibration="none"),),
        viewed_by_reporter=Ternary.NO,
    )
    removed = an_item(
        content_id=ContentId("item-2"),
        external_ids={"iccam": "1001#2"},
        assigned_country=CountryCode("DE"),
        removed=Ternary.YES,
        actions=(ItemAction(action="removed", at=an_instant()),),
    )
    return {
        "page_with_items": a_report(items=(an_item(), removed), source_url=a_source_url(payment_methods=("none",))),
        "synthetic_item": a_report(submitter_reference="synthetic", items=(synthetic,)),
        "thin": a_report(submitter_reference="thin", items=(), source_url=None, detected_at=None),
        "drill": a_report(submitter_reference="drill", mark=Mark.DRILL),
        "revision": a_report(
            revision=2, memo=Text(text="The address was wrong.", language="en"), handling=Handling(lea_hold=True)
        ),
        "any_script": a_report(submitter_reference="Дело-7/児童", platform="Пример — 例え"),
        "choices": a_report(
            submitter_reference="choices",
            sharing=SharingChoices(deny_members=(NL_HOTLINE,), deny_countries=(CountryCode("US"),)),
            sealed=(
                SealedPart(
                    audience="lea", key_id="example", enc=b"\x01\x02", ciphertext=b"\x00\xff\x80", proof=b"\x03\xfe"
                ),
            ),
            external_ids={"ncmec": "1", "xarf": "2"},
            source_url=a_source_url(hosting=a_hosting(ip_address="2001:db8::1", autonomous_system=64_496)),
        ),
    }


def _decisions() -> dict[str, Struct]:
    report = a_report()
    referral_id = referral_id_of(report.report_id, 1, NL_HOTLINE)
    verdict = ItemVerdict(content_id=ContentId("item-1"), jurisdiction=NL, verdict=Verdict.BASELINE, rules=("nl-1",))
    priority = Priority(tier=Tier.HIGH, score=71.5, uncertainty=0.2, deadline=an_instant(), reasons=("new content",))
    return {
        "personal_part": a_personal_part(),
        "withdrawal": a_withdrawal(),
        "ruling": Ruling(
            ruling_id="u-1",
            report_id=a_report().report_id,
            submitter=MemberId("plat-a"),
            source=Coordinate(topic_id="t", topic="reports.plat-a.submitted.v1", partition=1, offset=7),
            cause=RulingCause.REROUTE,
            occasion="repair-1",
            decided_by="anna",
            reason="a new agreement",
            unchanged=(MemberId("nl-hotline"),),
            chosen=(MemberId("nl-police"),),
            closed=True,
        ),
        "triaged": ReportTriaged(
            report_id=report.report_id,
            submitter=report.submitter,
            source=Coordinate(topic_id="AAAA", topic="reports.plat-a.submitted.v1", partition=1, offset=42),
            submitted_at=an_instant(),
            triaged_as_of=an_instant(NOON_MS + 5),
            outcome="routed",
            novelty=Novelty.SEEN,
            links=(Link(report_id=report.report_id, selector_kind="pdq", weak=True, distance=12),),
            verdicts=(verdict,),
            priority=priority,
            completeness=Completeness(score=80, missing=("incident_at",)),
            recipients=(Recipient(member=NL_HOTLINE, jurisdiction=NL, referral_id=referral_id, rules=("hosting",)),),
            refusals=(RouteRefusal(country=CountryCode("NO"), rule="route.no_hotline"),),
            policy=POLICY,
        ),
        "referral": Referral(
            referral_id=referral_id,
            report_id=report.report_id,
            recipient=NL_HOTLINE,
            jurisdiction=NL,
            submitter=report.submitter,
            submitted_at=an_instant(),
            triaged_as_of=an_instant(NOON_MS + 5),
            items=(an_item(),),
            incident_types=("csam",),
            verdicts=(verdict,),
            priority=priority,
            content_keys=(f"sha256:{'0f' * 16}",),
            withheld=(Withheld(path="memo", rule="default-deny"),),
            policy=POLICY,
        ),
    }


def _answers() -> dict[str, Struct]:
    report = a_report()
    referral_id = referral_id_of(report.report_id, 1, NL_POLICE)
    outcome = Outcome(content_id=ContentId("item-1"), action="removed", actionable=Ternary.YES, at=an_instant())
    question = Question(code="question.incident_time", field="incident_at", due=an_instant(NOON_MS + HOUR_MS))
    about: dict[str, Any] = {"report_id": report.report_id, "at": an_instant()}
    answer = about | {"referral_id": referral_id, "member": NL_POLICE}
    notice = about | {"member": report.submitter}
    return {
        "return_delivered": Return(return_id="r-1", kind=ReturnKind.DELIVERED, sink="directory", attempts=2, **answer),
        "return_outcome": Return(
            return_id="r-2", kind=ReturnKind.OUTCOME, by_person=True, case_number="X-1", outcomes=(outcome,), **answer
        ),
        "return_hold": Return(
            return_id="r-4", kind=ReturnKind.HOLD, by_person=True, until=an_instant(NOON_MS + HOUR_MS), **answer
        ),
        "return_question": Return(return_id="r-3", kind=ReturnKind.QUESTION, question=question, **answer),
        "status_triaged": Status(status_id="s-1", kind=StatusKind.TRIAGED, tier=Tier.HIGH, recipients=2, **notice),
        "status_refused": Status(status_id="s-2", kind=StatusKind.REFUSED, code="firewall.base64", **notice),
        "status_legal_hold": Status(
            status_id="s-3",
            kind=StatusKind.LEGAL_HOLD,
            code="legal_hold.stands",
            until=an_instant(NOON_MS + HOUR_MS),
            **notice,
        ),
        "referrals_read": ReferralsRead(
            read_id="l-2",
            member=NL_HOTLINE,
            at=an_instant(),
            person="an analyst",
            purpose="the case list of the morning",
            what="referrals",
            until=an_instant(),
        ),
        "label_added": LabelAdded(
            label_id="l-1",
            content_id=ContentId("item-1"),
            report_id=report.report_id,
            member=NL_HOTLINE,
            at=an_instant(),
            label=Label(scheme="iccam", scheme_version="3", label="national"),
        ),
    }
