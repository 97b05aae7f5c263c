"""Personal parts through triage: opened at the door, screened, and sealed anew for each recipient alone."""

from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from consumers.provenance import Finding, Provenance, examined
from processors.again import reopened_for
from processors.index.memory import MemoryIndex
from processors.intake import Accepted, Door, Rejected
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.commitments import committed, part_committed
from schemas.failures import Unreadable
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, SharingChoices
from schemas.records.values import NexusKind, SealedPart
from schemas.sealing import personal_part
from schemas.topics import submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.policy import the_sample, with_member
from tests.builders.proofs import DIRECTORY, PERSONAL_SEED, SEED, sign
from tests.builders.reports import NOON_MS, a_nexus_claim, a_personal_part, an_account, an_escalation, an_incident
from tests.builders.sealing import Exchange
from tocsin.policy.bundle import Bundle
from tocsin.runtime.database import Database
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

MEMBER = MemberId("plat-a")
POLICE, OTHER = MemberId("de-police"), MemberId("fr-police")
CODEC = RecordCodec(FixedDirectory())
MARKER = "marker-7f3a"
PERSONAL = a_personal_part(accounts=(an_account(value=MARKER),))
SEALS, OPEN = with_member(MEMBER, seals=True), with_member(MEMBER, seals=False)


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path, MEMBER, POLICE, OTHER)


def a_report(exchange: Exchange, **changes: Any) -> ReportSubmitted:
    values: dict[str, Any] = {"submitter": MEMBER, "personal": PERSONAL}
    report = an_incident(**(values | changes))
    return exchange.sealer().report(report, the_sample().digest, NOON_MS)


def a_raw(report: ReportSubmitted) -> RawRecord:
    return RawRecord(offset=0, timestamp_ms=NOON_MS, key=b"k", value=CODEC.dumps(report), headers=())


def admitted(report: ReportSubmitted, opener: Opener | None, bundle: Bundle = SEALS) -> Accepted | Rejected:
    verified = with_member(MEMBER, bundle, signs=False)
    return Door(member=MEMBER, bundle=verified, codec=CODEC, directory=Directory(), opener=opener).admit(a_raw(report))


def code(answer: Accepted | Rejected) -> str:
    return answer.code if isinstance(answer, Rejected) else ""


def finished(exchange: Exchange, report: ReportSubmitted) -> Finished:
    desk = Desk(bundle=SEALS, keys=KEYS, personal_schema_id=8, sealer=exchange.sealer())
    tools = Tools(desk=desk, veil=VEIL, codec=CODEC, opener=exchange.opener())
    stages = TriageStages(tools, MemoryIndex(), cast(Database, None), {})
    piece = Slice(topic_id="id", topic=submitted_topic(MEMBER), partition=0, records=(a_raw(report),))
    return stages.finish(stages.claim(stages.decide(piece)))


def referrals(found: Finished) -> dict[MemberId, Referral]:
    return {referral.recipient: referral for referral in found.answers[0].referrals}


def test_what_is_sealed_decides_as_if_it_had_come_open(exchange: Exchange) -> None:
    answer = admitted(a_report(exchange), exchange.opener())
    came_open = admitted(an_incident(submitter=MEMBER, personal=PERSONAL), None, OPEN)
    assert isinstance(answer, Accepted)
    assert isinstance(came_open, Accepted)
    assert answer.personal == came_open.personal == PERSONAL


def test_a_member_that_seals_sends_nothing_open_and_another_one_may(exchange: Exchange) -> None:
    came_open = an_incident(submitter=MEMBER, personal=PERSONAL)
    assert code(admitted(came_open, exchange.opener())) == "sealed.not_sealed"
    assert code(admitted(came_open, exchange.opener(), OPEN)) == ""
    assert code(admitted(replace(came_open, sealed=()), exchange.opener())) == ""


def test_where_nothing_is_verified_nothing_need_be_sealed() -> None:
    case = Door(member=MEMBER, bundle=SEALS, codec=CODEC).admit(a_raw(an_incident(submitter=MEMBER, personal=PERSONAL)))
    assert isinstance(case, Accepted)
    assert case.personal == PERSONAL


def test_what_does_not_open_is_refused_with_its_reason_and_the_field(exchange: Exchange) -> None:
    report = a_report(exchange)
    damaged = replace(report, sealed=(replace(report.sealed[0], ciphertext=bytes(100)),))
    moved = replace(a_report(exchange, submitter_reference="another"), sealed=report.sealed)
    foreign = replace(report, sealed=(replace(report.sealed[0], key_id="f" * 16),))
    answers = [admitted(each, exchange.opener()) for each in (damaged, moved, foreign)]
    assert [code(answer) for answer in answers] == ["sealed.damaged", "sealed.damaged", "sealed.unknown_key"]
    for answer in answers:
        assert isinstance(answer, Rejected)
        assert (answer.field, answer.report is not None) == ("sealed", True)
        assert MARKER not in answer.message


def test_the_firewall_looks_into_what_was_sealed(exchange: Exchange) -> None:
    payload = "data:image/png;base64," + "iVBORw0KGgo" * 40
    report = a_report(exchange, personal=a_personal_part(accounts=(an_account(value=payload),)))
    answer = admitted(report, exchange.opener())
    assert isinstance(answer, Accepted)
    assert answer.personal is not None
    assert answer.personal.accounts[0].value == ""
    assert any(finding.path.startswith("sealed[0]") for finding in answer.findings)


def test_nobody_decides_without_what_is_sealed(exchange: Exchange) -> None:
    assert code(admitted(a_report(exchange), None)) == "sealed.closed"


def test_a_person_may_choose_whom_only_a_closed_part_could_speak_against(exchange: Exchange) -> None:
    raw = a_raw(a_report(exchange))
    closed = Door(member=MemberId(""), bundle=SEALS, codec=CODEC)
    opened = replace(closed, opener=exchange.opener())
    assert reopened_for(raw, closed, [POLICE]) == reopened_for(raw, opened, [POLICE]) == ((POLICE, ""),)
    assert reopened_for(raw, closed, [MEMBER]) == ((MEMBER, "person.no_recipient"),)


def test_each_recipient_gets_its_own_part_that_nobody_else_opens(exchange: Exchange) -> None:
    found = finished(exchange, a_report(exchange, escalation=an_escalation()))
    assert found.answers[0].outcome is Outcome.ROUTED
    referral = referrals(found)[POLICE]
    (part,) = exchange.opener(POLICE).referral(referral).sealed
    inside = personal_part(part)
    assert inside is not None
    assert inside.accounts[0].value == MARKER
    for stranger in (OTHER, MEMBER, MemberId("triage")):
        with pytest.raises(Unreadable):
            exchange.opener(stranger).referral(referral)


def test_two_recipients_of_one_report_get_parts_of_their_own_and_neither_opens_the_others(exchange: Exchange) -> None:
    nexus = tuple(a_nexus_claim(country=country, kind=NexusKind.SUSPECT) for country in ("DE", "FR"))
    found = referrals(finished(exchange, a_report(exchange, nexus=nexus)))
    mine, theirs = found[POLICE], found[OTHER]
    for reader, own, foreign in ((POLICE, mine, theirs), (OTHER, theirs, mine)):
        inside = personal_part(exchange.opener(reader).referral(own).sealed[0])
        assert inside is not None
        assert inside.accounts[0].value == MARKER
        assert not {own.sealed[0].enc, own.sealed[0].ciphertext} & {foreign.sealed[0].enc, foreign.sealed[0].ciphertext}
        for stolen in (foreign, replace(own, sealed=foreign.sealed), _addressed_to(reader, own, foreign)):
            with pytest.raises(Unreadable):
                exchange.opener(reader).referral(stolen)


def _addressed_to(reader: MemberId, own: Referral, foreign: Referral) -> Referral:
    """The other one's part under the reader's own name and key id."""
    relabelled = replace(foreign.sealed[0], audience=reader, key_id=own.sealed[0].key_id)
    return replace(foreign, sealed=(relabelled,))


def test_no_byte_that_triage_says_shows_what_was_sealed(exchange: Exchange) -> None:
    report = a_report(exchange, escalation=an_escalation())
    found = finished(exchange, report)
    assert POLICE in referrals(found)
    values = [record.value for record in found.records] + [a_raw(report).value]
    assert not any(MARKER.encode() in (value or b"") for value in values)


def test_who_has_no_good_key_gets_the_rest_and_the_rule_that_says_so(tmp_path: Path) -> None:
    exchange = Exchange(tmp_path, MEMBER, OTHER)
    referral = referrals(finished(exchange, a_report(exchange, escalation=an_escalation())))[POLICE]
    assert referral.sealed == ()
    assert ("personal", "release.no_sealing_key") in {(one.path, one.rule) for one in referral.withheld}


def test_a_replay_decides_the_same_and_seals_anew(exchange: Exchange) -> None:
    report = a_report(exchange, escalation=an_escalation())
    one, two = (referrals(finished(exchange, report))[POLICE] for _ in range(2))
    assert replace(one, sealed=()) == replace(two, sealed=())
    assert one.sealed != two.sealed
    assert exchange.opener(POLICE).referral(one) == exchange.opener(POLICE).referral(two)


def a_proven_report(exchange: Exchange, **changes: Any) -> ReportSubmitted:
    """As a member sends it that signs its fields and seals."""
    values: dict[str, Any] = {"submitter": MEMBER, "personal": PERSONAL}
    report = an_incident(**(values | changes))
    proven = committed(part_committed(report, PERSONAL_SEED, sign), SEED, sign)
    return exchange.sealer().report(proven, the_sample().digest, NOON_MS)


def found_by(reader: MemberId, exchange: Exchange, report: ReportSubmitted) -> Finding:
    """What a recipient finds of the report that triage sends it."""
    referral = referrals(finished(exchange, report))[reader]
    return examined(exchange.opener(reader).referral(referral), DIRECTORY)


def test_each_recipient_verifies_what_names_persons_and_both_secrets_stay_with_triage(exchange: Exchange) -> None:
    nexus = tuple(a_nexus_claim(country=country, kind=NexusKind.SUSPECT) for country in ("DE", "FR"))
    report = a_proven_report(exchange, nexus=nexus)
    assert PERSONAL_SEED not in (a_raw(report).value or b"")
    for reader in (POLICE, OTHER):
        found = found_by(reader, exchange, report)
        assert found.is_verified
        assert "personal.accounts[0].value" in found.personal[0].signed
        referral = exchange.opener(reader).referral(referrals(finished(exchange, report))[reader])
        assert not any(secret in CODEC.dumps(referral) for secret in (SEED, PERSONAL_SEED))


def test_who_does_not_seal_proves_what_names_persons_all_the_same(exchange: Exchange) -> None:
    report = an_incident(submitter=MEMBER, personal=PERSONAL, escalation=an_escalation())
    came_open = committed(part_committed(report, PERSONAL_SEED, sign), SEED, sign)
    assert PERSONAL_SEED in (a_raw(came_open).value or b""), "who reads the topic reads the part beside it"
    assert found_by(POLICE, exchange, came_open).is_verified


def test_a_report_of_a_release_that_signed_nothing_of_persons_goes_on_and_is_told_as_that(exchange: Exchange) -> None:
    report = an_incident(submitter=MEMBER, personal=PERSONAL, escalation=an_escalation())
    old = exchange.sealer().report(committed(report, SEED, sign), the_sample().digest, NOON_MS)
    found = found_by(POLICE, exchange, old)
    assert (found.provenance, found.personal[0].provenance) == (Provenance.VERIFIED, Provenance.UNSIGNED)


def test_where_the_submitter_is_withheld_its_key_is_in_no_sealed_part(exchange: Exchange) -> None:
    hides = SharingChoices(hide_submitter=True)
    found = found_by(POLICE, exchange, a_proven_report(exchange, sharing=hides, escalation=an_escalation()))
    assert [one.provenance for one in found.whole] == [Provenance.HIDDEN, Provenance.HIDDEN]


def test_a_field_that_the_firewall_emptied_is_no_alarm_and_one_that_it_shortened_is_named(exchange: Exchange) -> None:
    payload = "data:image/png;base64," + "iVBORw0KGgo" * 40
    emptied = a_personal_part(accounts=(an_account(value=payload),))
    report = a_proven_report(exchange, personal=emptied, escalation=an_escalation())
    assert found_by(POLICE, exchange, report).is_verified
    shortened = a_personal_part(accounts=(an_account(prior_report_ids=("ncmec:1", payload)),))
    report = a_proven_report(exchange, personal=shortened, escalation=an_escalation())
    found = found_by(POLICE, exchange, report)
    assert found.all_altered == ("personal.accounts[0].prior_report_ids",)
    assert found.personal[0].unclaimed == 0


def test_a_part_before_it_that_cannot_be_read_halts_nothing(exchange: Exchange) -> None:
    garbage = SealedPart(audience="triage", ciphertext=b"\x01\x02\x03")
    report = an_incident(submitter=MEMBER, personal=PERSONAL, escalation=an_escalation())
    proven = committed(part_committed(report, PERSONAL_SEED, sign), SEED, sign)
    assert found_by(POLICE, exchange, replace(proven, sealed=(garbage, *proven.sealed))).is_verified


def test_what_is_sealed_beside_a_part_is_a_commitment_or_the_report_is_refused(exchange: Exchange) -> None:
    report = an_incident(submitter=MEMBER, personal=PERSONAL)
    smuggled = replace(report, sealed=(replace(report.sealed[0], proof=b"a payload"),))
    sealed = exchange.sealer().report(smuggled, the_sample().digest, NOON_MS)
    answer = admitted(sealed, exchange.opener())
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.field) == ("origin.personal_commitment", "sealed")
