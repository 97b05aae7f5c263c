"""What a recipient finds of the part that names persons: signed apart, told apart, and never a reason to refuse."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from consumers.formats.referral_json import referral_object, referral_of
from consumers.provenance import Finding, Provenance, examined, sentence
from schemas.codec import encode
from schemas.commitments import proof_in
from schemas.records.identifiers import MemberId
from schemas.records.proof import OriginProof
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from schemas.records.values import SealedPart, Ternary
from schemas.sealing import unsealed_part
from tests.builders.proofs import DIRECTORY, KEY, a_report_on, with_part
from tests.builders.reports import a_network_event, a_personal_part, an_account
from tests.unit.consumers.test_provenance import ENDED, STOLEN, released
from tocsin.runtime.keys.directory import Directory

PERSONAL = a_personal_part(accounts=(an_account(), an_account(value="user-2")))
REPORT = a_report_on(PERSONAL)


def sent(**changes: Any) -> Referral:
    """A referral with its personal part, opened; with `changes` of what is inside."""
    referral = with_part(released(REPORT), REPORT, PERSONAL)
    part = replace(referral.sealed[0], ciphertext=encode(replace(PERSONAL, **changes)))
    return replace(referral, sealed=(part,))


def with_parts(*parts: SealedPart) -> Referral:
    return replace(sent(), sealed=parts)


def of_part(referral: Referral, directory: Directory = DIRECTORY) -> Finding:
    (found,) = examined(referral, directory).personal
    return found


def test_what_names_persons_is_verified_field_by_field() -> None:
    found = examined(sent(), DIRECTORY)
    assert found.is_verified
    (part,) = found.personal
    assert (part.provenance, part.key_id) == (Provenance.VERIFIED, KEY.key_id)
    assert {"personal.accounts[1].value", "personal.network_events[0].ip_address"} <= set(part.signed)
    assert f"Personal part: {len(part.signed)} fields are what plat-a signed" in sentence(found)


TAKEN_OVER = an_account(compromised=Ternary.YES)
CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"accounts": (an_account(), an_account(value="user-3"))}, "personal.accounts[1].value"),
    ({"accounts": (TAKEN_OVER, an_account(value="user-2"))}, "personal.accounts[0].compromised"),
    ({"network_events": (a_network_event(ip_address="2001:db8::1"),)}, "personal.network_events[0].ip_address"),
    ({"network_events": (a_network_event(), a_network_event())}, "personal.network_events[1].ip_address"),
]


@pytest.mark.parametrize(("changes", "path"), CHANGES)
def test_one_changed_or_added_field_among_many_is_named(changes: dict[str, Any], path: str) -> None:
    found = examined(sent(**changes), DIRECTORY)
    (part,) = found.personal
    assert (found.provenance, part.provenance) == (Provenance.VERIFIED, Provenance.ALTERED)
    assert path in part.altered
    assert (found.is_verified, found.suspicious) == (False, (part,))
    assert path in sentence(found)


def test_a_person_who_was_taken_away_is_missed() -> None:
    found = of_part(sent(accounts=(an_account(),)))
    assert (found.provenance, found.altered, found.unclaimed) == (Provenance.ALTERED, (), 5)


def test_a_part_without_a_proof_is_told_as_unsigned_and_alarms_nobody() -> None:
    found = examined(with_parts(unsealed_part(PERSONAL, "nl-hotline", 8)), DIRECTORY)
    assert (found.provenance, found.personal[0].provenance) == (Provenance.VERIFIED, Provenance.UNSIGNED)
    assert (found.is_verified, found.suspicious) == (False, ())
    assert "Unsigned personal part: plat-a signed nothing" in sentence(found)


def test_a_part_that_was_not_opened_says_nothing() -> None:
    found = examined(with_parts(replace(sent().sealed[0], key_id="k" * 16)), DIRECTORY)
    assert (found.personal[0].provenance, found.suspicious) == (Provenance.SEALED, ())
    assert "Personal part: It is sealed and was not opened here" in sentence(found)


def test_where_the_submitter_is_withheld_nothing_of_the_part_names_it() -> None:
    hidden = with_part(released(REPORT, submitter=MemberId("")), REPORT, PERSONAL)
    assert hidden.sealed[0].proof == b""
    assert KEY.key_id.encode() not in encode(hidden)
    assert of_part(hidden).provenance is Provenance.HIDDEN


@pytest.mark.parametrize(
    ("directory", "provenance"),
    [
        (Directory(), Provenance.UNKNOWN_KEY),
        (ENDED, Provenance.EXPIRED),
        (STOLEN, Provenance.REVOKED),
    ],
)
def test_its_key_is_worth_what_the_directory_says(directory: Directory, provenance: Provenance) -> None:
    assert of_part(sent(), directory).provenance is provenance


def test_neither_signature_stands_for_the_other_nor_for_another_report() -> None:
    referral = sent()
    assert referral.origin_proof is not None
    assert of_part(with_parts(_proven_by(referral.origin_proof))).provenance is Provenance.WRONG
    theirs = proof_in(referral.sealed[0])
    assert examined(replace(referral, origin_proof=theirs), DIRECTORY).provenance is Provenance.WRONG
    assert of_part(replace(referral, revision=2)).provenance is Provenance.WRONG


def _proven_by(proof: OriginProof) -> SealedPart:
    return replace(sent().sealed[0], proof=encode(proof))


def test_a_second_part_that_somebody_adds_is_told_apart() -> None:
    own, planted = sent().sealed[0], a_personal_part(accounts=(an_account(value="planted"),))
    bare = unsealed_part(planted, "nl-hotline", 8)
    found = examined(with_parts(own, bare), DIRECTORY)
    assert [one.provenance for one in found.personal] == [Provenance.VERIFIED, Provenance.UNSIGNED]
    found = examined(with_parts(own, replace(bare, proof=own.proof)), DIRECTORY)
    assert [one.provenance for one in found.personal] == [Provenance.VERIFIED, Provenance.ALTERED]


@pytest.mark.parametrize("changes", [{"proof": b"no proof"}, {"ciphertext": b"no part"}])
def test_a_part_that_cannot_be_read_is_not_proven(changes: dict[str, bytes]) -> None:
    assert of_part(with_parts(replace(sent().sealed[0], **changes))).provenance is Provenance.WRONG


def a_file() -> dict[str, Any]:
    """What a sink is given, as JSON."""
    written: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(referral_object(sent())))
    return written


def test_a_file_that_a_sink_was_given_verifies_like_the_referral_itself() -> None:
    written = a_file()
    assert examined(referral_of(written), DIRECTORY) == examined(sent(), DIRECTORY)
    written["personal"][0]["accounts"][1]["value"] = "user-3"
    (found,) = examined(referral_of(written), DIRECTORY).personal
    assert (found.provenance, found.altered) == (Provenance.ALTERED, ("personal.accounts[1].value",))


def test_a_file_of_an_earlier_release_has_an_unsigned_personal_part() -> None:
    written = {name: value for name, value in a_file().items() if name != "personal_proofs"}
    found = examined(referral_of(written), DIRECTORY)
    assert (found.provenance, found.personal[0].provenance) == (Provenance.VERIFIED, Provenance.UNSIGNED)


def test_a_referral_without_a_part_says_nothing_of_one() -> None:
    found = examined(released(), DIRECTORY)
    assert (found.personal, found.is_verified) == ((), True)
    assert "ersonal part" not in sentence(found)


def accounts(count: int) -> PersonalPart:
    return PersonalPart(accounts=tuple(an_account(value=f"user-{n}") for n in range(count)))


def test_too_many_persons_to_sign_are_told_as_unsigned_and_the_rest_is_signed_all_the_same() -> None:
    report = a_report_on(accounts(500))
    assert (report.sealed[0].proof, report.commitment is not None) == (b"", True)
    referral = with_part(released(report), report, accounts(500))
    assert of_part(referral).provenance is Provenance.UNSIGNED


def test_what_is_added_behind_the_most_that_anybody_signs_is_found() -> None:
    report = a_report_on(accounts(409))
    (part,) = with_part(released(report), report, accounts(409)).sealed
    assert of_part(with_parts(part)).provenance is Provenance.VERIFIED
    found = of_part(with_parts(replace(part, ciphertext=encode(accounts(411)))))
    assert found.provenance is Provenance.ALTERED
    assert found.altered
