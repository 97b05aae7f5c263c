"""Whoever has to exchange a key hears of it a month ahead: of those that sign, and of those that are sealed to."""

import pytest

from schemas.records.identifiers import MemberId
from schemas.topics import TRIAGE
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.changing import DAY_MS, VALID_DAYS
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.ending import WARN_DAYS, ending, expiring, own_seal_warnings, triage_seal_warnings
from tocsin.runtime.keys.files import Use
from tocsin.stack.doctor.findings import Level, of_keys

MEMBER = MemberId("nl-hotline")
NOW_MS = 1_764_000_000_000
MONTH_AHEAD_MS = NOW_MS + (VALID_DAYS - WARN_DAYS) * DAY_MS
ENDED_MS = NOW_MS + VALID_DAYS * DAY_MS + 1


def public_key(seed: int = 1) -> bytes:
    return bytes([seed]) * 32


def a_key(principal: MemberId = MEMBER, use: Use = Use.SEAL) -> Directory:
    return changing.admitted(Directory(), principal, use, public_key(), NOW_MS)


def revoked(directory: Directory) -> Directory:
    (key,) = directory.keys
    return changing.revoked(directory, key.key_id, RevocationReason.LEFT, NOW_MS)


@pytest.mark.parametrize("use", Use)
def test_only_the_last_key_makes_people_hurry_and_an_ended_one_goes_on_to(use: Use) -> None:
    directory = a_key(use=use)
    assert not expiring(directory, MONTH_AHEAD_MS)
    for late_ms in (MONTH_AHEAD_MS + 1, ENDED_MS):
        assert [key.public for key in expiring(directory, late_ms)] == [public_key()]
        followed = changing.admitted(directory, MEMBER, use, public_key(2), MONTH_AHEAD_MS)
        assert not expiring(followed, late_ms)
    assert not expiring(revoked(directory), ENDED_MS), "whoever left exchanges nothing"


@pytest.mark.parametrize(("now_ms", "said"), [(MONTH_AHEAD_MS + 1, "ends in 29 days"), (ENDED_MS, "has ended")])
def test_when_a_key_ends_is_said_in_words(now_ms: int, said: str) -> None:
    (key,) = a_key().keys
    assert ending(key, now_ms) == said
    (own,) = own_seal_warnings(a_key(), MEMBER, now_ms)
    assert (said in own, "tocsin keys rotate --as nl-hotline --use seal" in own) == (True, True)
    (of_triage,) = triage_seal_warnings(a_key(TRIAGE), now_ms)
    assert (said in of_triage, "come back unwritten" in of_triage) == (True, True)


def test_nobody_is_warned_of_a_key_that_is_good_for_long_or_that_somebody_else_has() -> None:
    assert not own_seal_warnings(a_key(), MEMBER, MONTH_AHEAD_MS)
    assert not triage_seal_warnings(a_key(TRIAGE), MONTH_AHEAD_MS)
    assert not own_seal_warnings(a_key(TRIAGE), MEMBER, ENDED_MS)


def test_a_submitter_hears_that_there_is_no_key_to_seal_to() -> None:
    for directory in (Directory(), revoked(a_key(TRIAGE))):
        (warning,) = triage_seal_warnings(directory, NOW_MS)
        assert "has no sealing key" in warning


def test_the_doctor_names_each_key_that_ends_and_how_to_exchange_it() -> None:
    directory = changing.admitted(a_key(TRIAGE), MEMBER, Use.SIGN, public_key(2), NOW_MS)
    assert [(one.level, one.part) for one in of_keys(directory, MONTH_AHEAD_MS)] == [(Level.OK, "keys")]
    soon = {one.next_command: one.level for one in of_keys(directory, MONTH_AHEAD_MS + 1)}
    seal, sign = "tocsin keys rotate --as triage --use seal", "tocsin keys rotate --as nl-hotline --use sign"
    assert soon == {seal: Level.WARN, sign: Level.WARN}
    ended = {one.next_command: one.level for one in of_keys(directory, ENDED_MS)}
    assert ended == {seal: Level.FAIL, sign: Level.WARN}, "without the exchange's own nothing personal is written"


def test_the_doctor_says_that_triage_has_no_key_to_be_sealed_to() -> None:
    (found,) = of_keys(revoked(a_key(TRIAGE)), NOW_MS)
    assert (found.level, found.next_command) == (Level.FAIL, "tocsin keys new --as triage --use seal")
