"""Signing with the newest good key that is here, and saying in time that it ends."""

from pathlib import Path

import pytest

from schemas.failures import Broken, Refused
from schemas.headers import event_type
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.signing import Signature, signature_of, verifies
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.changing import DAY_MS, VALID_DAYS
from tocsin.runtime.keys.directory import RevocationReason
from tocsin.runtime.keys.files import Use, new_key
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.settings import TrustSettings
from tocsin.stack.keys import LocalKeys

MEMBER = MemberId("plat-a")
START_MS = 1_800_000_000_000
VALUE = b"\x00\x00\x00\x00\x01body"


@pytest.fixture
def keys(tmp_path: Path) -> LocalKeys:
    made = LocalKeys(tmp_path)
    made.provide([MEMBER], START_MS)
    return made


def a_signer(keys: LocalKeys, days: float = 1) -> Signer:
    keeper = keys.keeper
    trust = TrustSettings(keys=keys.folder(MEMBER), directory=keeper.file, keeper=str(keeper.key))
    return Signer(trust, MEMBER, lambda: START_MS + int(days * DAY_MS))


def a_second_key(keys: LocalKeys, days: float = 1) -> None:
    key, now_ms = new_key(Use.SIGN), START_MS + int(days * DAY_MS)
    keys.private(MEMBER).add(Use.SIGN, key)
    public = key.public_key().public_bytes_raw()
    keys.keeper.change(lambda directory: changing.replaced(directory, MEMBER, Use.SIGN, public, now_ms))


def signature(signer: Signer) -> Signature:
    found = signature_of(signer.headers(ReportSubmitted, VALUE))
    assert found is not None
    return found


def test_what_it_signs_is_the_body_behind_the_frame(keys: LocalKeys) -> None:
    made = signature(a_signer(keys))
    key = keys.keeper.directory().by_id[made.key_id]
    assert verifies(made, key.public, event_type(ReportSubmitted), b"body")


def test_a_new_key_is_used_at_once_by_a_signer_that_runs(keys: LocalKeys) -> None:
    signer = a_signer(keys)
    before = signature(signer).key_id
    a_second_key(keys)
    assert signature(signer).key_id != before


def test_a_signer_that_runs_goes_over_to_the_next_key_at_the_instant_it_begins(keys: LocalKeys) -> None:
    now_ms = [START_MS + DAY_MS]
    keeper = keys.keeper
    trust = TrustSettings(keys=keys.folder(MEMBER), directory=keeper.file, keeper=str(keeper.key))
    signer = Signer(trust, MEMBER, lambda: now_ms[0])
    a_second_key(keys, days=2)
    before = signature(signer).key_id
    now_ms[0] = START_MS + 2 * DAY_MS
    assert signature(signer).key_id != before
    now_ms[0] -= 1
    assert signature(signer).key_id == before


def test_a_key_that_is_opened_or_deleted_while_a_signer_runs_signs_nothing_more(keys: LocalKeys) -> None:
    signer = a_signer(keys)
    (name,) = keys.private(MEMBER).names(Use.SIGN)
    assert signature(signer).key_id == name
    (file,) = keys.folder(MEMBER).glob("*.sign.pem")
    file.chmod(0o644)
    with pytest.raises(Broken, match="Only its owner"):
        signer.headers(ReportSubmitted, VALUE)
    file.chmod(0o600)
    assert signature(signer).key_id == name
    keys.private(MEMBER).delete(Use.SIGN, name)
    with pytest.raises(Refused, match="no signing key here"):
        signer.headers(ReportSubmitted, VALUE)


def test_a_key_that_is_revoked_while_a_signer_runs_signs_nothing_more(keys: LocalKeys) -> None:
    signer = a_signer(keys)
    name = signature(signer).key_id
    keys.keeper.change(lambda directory: changing.revoked(directory, name, RevocationReason.COMPROMISED, START_MS))
    with pytest.raises(Refused):
        signer.headers(ReportSubmitted, VALUE)


def test_an_ended_key_still_signs_and_says_so(keys: LocalKeys) -> None:
    signer = a_signer(keys, days=VALID_DAYS + 1)
    assert signature(signer)
    (warning,) = signer.warnings()
    assert "has ended" in warning
    assert "tocsin keys rotate --as plat-a" in warning


@pytest.mark.parametrize(("days", "count"), [(1, 0), (VALID_DAYS - 31, 0), (VALID_DAYS - 20, 1)])
def test_a_person_is_warned_a_month_ahead(keys: LocalKeys, days: int, count: int) -> None:
    assert len(a_signer(keys, days=days).warnings()) == count


def test_a_revoked_key_signs_nothing_and_a_key_of_another_folder_neither(keys: LocalKeys, tmp_path: Path) -> None:
    signer = a_signer(keys)
    (name,) = keys.private(MEMBER).names(Use.SIGN)
    keys.private(MEMBER).delete(Use.SIGN, name)
    with pytest.raises(Refused, match="tocsin keys new --as plat-a"):
        signer.headers(ReportSubmitted, VALUE)
    other = LocalKeys(tmp_path / "other")
    other.provide([MEMBER], START_MS)
    (revoked,) = other.private(MEMBER).names(Use.SIGN)
    other.keeper.change(lambda directory: changing.revoked(directory, revoked, RevocationReason.COMPROMISED, START_MS))
    with pytest.raises(Refused):
        a_signer(other).headers(ReportSubmitted, VALUE)
