"""Sealing by the directory: to the newest good key, opened with the keys in one's own folder, through a rotation."""

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from schemas.failures import Broken, Refused, Unreadable
from schemas.records.identifiers import KeyId, MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from schemas.sealing import personal_part, unsealed_part
from schemas.topics import TRIAGE
from tests.builders.referrals import a_referral
from tests.builders.reports import a_personal_part, an_incident
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.changing import DAY_MS, OVERLAP_DAYS, VALID_DAYS
from tocsin.runtime.keys.directory import RevocationReason
from tocsin.runtime.keys.files import Use, new_key
from tocsin.runtime.keys.sealing import Opener, Sealer, sealed_for
from tocsin.runtime.settings import TrustSettings
from tocsin.stack.keys import LocalKeys

MEMBER, OTHER = MemberId("nl-police"), MemberId("fr-police")
START_MS = 1_800_000_000_000
POLICY = "ab" * 32
PERSONAL = a_personal_part()
LATE_DAYS = VALID_DAYS + 1


@pytest.fixture
def keys(tmp_path: Path) -> LocalKeys:
    made = LocalKeys(tmp_path)
    made.provide([TRIAGE, MEMBER, OTHER], START_MS)
    return made


def at(days: float) -> int:
    return START_MS + int(days * DAY_MS)


def trust_of(keys: LocalKeys, principal: MemberId) -> TrustSettings:
    return TrustSettings(keys=keys.folder(principal), directory=keys.keeper.file, keeper=str(keys.keeper.key))


def an_opener(keys: LocalKeys, principal: MemberId = TRIAGE, days: float = 1) -> Opener:
    return Opener(trust_of(keys, principal), principal, lambda: at(days))


def a_sealer(keys: LocalKeys) -> Sealer:
    return Sealer(keys.keeper.directory)


def a_sealed_report(keys: LocalKeys, days: float = 1) -> ReportSubmitted:
    return a_sealer(keys).report(an_incident(personal=PERSONAL), POLICY, at(days))


def a_sealed_referral(keys: LocalKeys, recipient: MemberId = MEMBER, days: float = 1) -> Referral:
    referral = a_referral(recipient=recipient)
    key = a_sealer(keys).key_of(recipient, at(days))
    assert key is not None
    part = unsealed_part(PERSONAL, recipient, 8)
    return replace(referral, sealed=(sealed_for(referral, part, key),))


def rotated(keys: LocalKeys, principal: MemberId, days: float) -> None:
    key = new_key(Use.SEAL)
    public = key.public_key().public_bytes_raw()
    keys.private(principal).add(Use.SEAL, key)
    keys.keeper.change(lambda directory: changing.replaced(directory, principal, Use.SEAL, public, at(days)))


def revoked(keys: LocalKeys, key_id: str, days: float, reason: RevocationReason = RevocationReason.LOST) -> None:
    keys.keeper.change(lambda directory: changing.revoked(directory, KeyId(key_id), reason, at(days)))


def forgotten(keys: LocalKeys, principal: MemberId, key_id: str) -> None:
    keys.private(principal).delete(Use.SEAL, KeyId(key_id))


def shut(open_it: Callable[[], object]) -> str:
    with pytest.raises(Unreadable) as caught:
        open_it()
    return caught.value.code


def test_triage_opens_what_a_submitter_sealed_and_finds_the_report_as_it_was(keys: LocalKeys) -> None:
    report = a_sealed_report(keys)
    assert personal_part(report.sealed[0]) is None
    opened = an_opener(keys).report(report, at(1))
    assert personal_part(opened.sealed[0]) == PERSONAL
    assert opened == replace(report, sealed=opened.sealed)


def test_a_report_without_a_personal_part_needs_no_key(keys: LocalKeys) -> None:
    report = an_incident(sealed=())
    assert a_sealer(keys).report(report, POLICY, at(LATE_DAYS)) == report
    assert an_opener(keys).report(report, at(LATE_DAYS)) == report


def test_a_recipient_opens_its_own_and_another_one_cannot(keys: LocalKeys) -> None:
    referral = a_sealed_referral(keys)
    assert personal_part(an_opener(keys, MEMBER).referral(referral).sealed[0]) == PERSONAL
    assert shut(lambda: an_opener(keys, OTHER).referral(referral)) == "sealed.other_audience"
    claimed = replace(referral.sealed[0], audience=OTHER)
    assert shut(lambda: an_opener(keys, OTHER).referral(replace(referral, sealed=(claimed,)))) == "sealed.key_gone"


def test_a_part_that_is_moved_into_another_referral_stays_shut(keys: LocalKeys) -> None:
    moved = replace(a_referral("another", recipient=MEMBER), sealed=a_sealed_referral(keys).sealed)
    assert shut(lambda: an_opener(keys, MEMBER).referral(moved)) == "sealed.damaged"


@pytest.mark.parametrize("days", [2, OVERLAP_DAYS, VALID_DAYS])
def test_what_was_under_way_when_the_key_was_exchanged_still_opens(keys: LocalKeys, days: float) -> None:
    report, referral = a_sealed_report(keys), a_sealed_referral(keys)
    opener, reader = an_opener(keys, days=days), an_opener(keys, MEMBER, days)
    for principal in (TRIAGE, MEMBER):
        rotated(keys, principal, 1.5)
    later, next_one = a_sealed_report(keys, 2), a_sealed_referral(keys, days=2)
    assert later.sealed[0].key_id != report.sealed[0].key_id
    assert next_one.sealed[0].key_id != referral.sealed[0].key_id
    for each in (report, later):
        assert personal_part(opener.report(each, at(days)).sealed[0]) == PERSONAL
    for one in (referral, next_one):
        assert personal_part(reader.referral(one).sealed[0]) == PERSONAL


def test_an_ended_key_opens_as_long_as_it_is_kept_and_then_never_again(keys: LocalKeys) -> None:
    report = a_sealed_report(keys)
    assert personal_part(an_opener(keys, days=LATE_DAYS).report(report, at(LATE_DAYS)).sealed[0]) == PERSONAL
    forgotten(keys, TRIAGE, report.sealed[0].key_id)
    assert shut(lambda: an_opener(keys, days=LATE_DAYS).report(report, at(LATE_DAYS))) == "sealed.key_gone"


def test_what_was_sealed_before_a_revocation_opens_and_what_came_after_it_does_not(keys: LocalKeys) -> None:
    report = a_sealed_report(keys)
    revoked(keys, report.sealed[0].key_id, 2, RevocationReason.COMPROMISED)
    assert personal_part(an_opener(keys, days=3).report(report, at(1)).sealed[0]) == PERSONAL
    assert shut(lambda: an_opener(keys, days=3).report(report, at(2))) == "sealed.revoked_key"


def test_a_key_of_nobody_is_unknown(keys: LocalKeys) -> None:
    report = a_sealed_report(keys)
    strange = replace(report, sealed=(replace(report.sealed[0], key_id="f" * 16),))
    assert shut(lambda: an_opener(keys).report(strange, at(1))) == "sealed.unknown_key"


def test_a_worker_that_lacks_a_good_key_halts_and_loses_no_report(keys: LocalKeys) -> None:
    report = a_sealed_report(keys)
    forgotten(keys, TRIAGE, report.sealed[0].key_id)
    with pytest.raises(Broken) as caught:
        an_opener(keys).report(report, at(1))
    assert caught.value.code == "keys.missing"


def test_a_key_that_others_can_read_opens_nothing(keys: LocalKeys) -> None:
    report = a_sealed_report(keys)
    (file,) = keys.folder(TRIAGE).glob("*.seal.pem")
    file.chmod(0o640)
    with pytest.raises(Broken) as caught:
        an_opener(keys).report(report, at(1))
    assert caught.value.code == "keys.too_open"


def test_nothing_is_sealed_to_a_key_that_has_ended_or_is_revoked(keys: LocalKeys) -> None:
    sealer, key_id = a_sealer(keys), a_sealed_referral(keys).sealed[0].key_id
    assert sealer.key_of(OTHER, at(LATE_DAYS)) is None
    revoked(keys, key_id, 2)
    assert sealer.key_of(MEMBER, at(1)) is None
    with pytest.raises(Refused) as caught:
        a_sealed_report(keys, LATE_DAYS)
    assert caught.value.code == "sealed.no_triage_key"


def test_who_is_not_given_triages_keys_opens_no_report(keys: LocalKeys) -> None:
    ops = trust_of(keys, MEMBER)
    assert Opener.beside_triage(ops, lambda: at(1)) is None
    beside = Opener.beside_triage(replace(ops, triage_keys=keys.folder(TRIAGE)), lambda: at(1))
    assert beside is not None
    assert personal_part(beside.report(a_sealed_report(keys), at(1)).sealed[0]) == PERSONAL
