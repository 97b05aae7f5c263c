"""Of what names persons a recipient verifies all that it is shown, finds what was changed, and opens nothing else."""

from hashlib import sha256
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields, replace

from consumers.provenance import Finding, Provenance, examined
from schemas.codec import encode
from schemas.commitments import DIGEST_BYTES, SALT_BYTES, Commitments, proof_in
from schemas.committed_fields import Field, fields_of_part
from schemas.records.identifiers import MemberId
from schemas.records.proof import OriginProof
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from tests.builders.any_record import any_record
from tests.builders.proofs import DIRECTORY, PERSONAL_SEED, SEED, SUBMITTER, a_report_on, with_part
from tests.builders.referrals import a_referral

PERSONAL = any_record(PersonalPart).filter(lambda part: part != PersonalPart())


def sent(personal: PersonalPart, shown: PersonalPart, recipient: str = "de-police") -> Referral:
    full = a_referral(recipient=MemberId(recipient), submitter=SUBMITTER)
    return with_part(full, a_report_on(personal), shown)


def held(referral: Referral, shown: PersonalPart) -> Finding:
    """What its recipient finds where the bytes in the part are these, with the proof that came."""
    (part,) = referral.sealed
    (found,) = examined(replace(referral, sealed=(replace(part, ciphertext=encode(shown)),)), DIRECTORY).personal
    return found


def proof_of(referral: Referral) -> OriginProof:
    proof = proof_in(referral.sealed[0])
    assert proof is not None
    return proof


def cut(joined: bytes, size: int) -> set[bytes]:
    return {joined[start : start + size] for start in range(0, len(joined), size)}


def opens(proof: OriginProof, field: Field) -> bool:
    """Whether anything that came with a referral lets its reader confirm a guess at a field."""
    path, write, value = field
    parts = [path.encode(), b"\x00"]
    write(value, parts.append)
    tried = cut(proof.salts, SALT_BYTES) | {bytes(SALT_BYTES), proof.key_id.encode(), proof.signature}
    return bool({sha256(salt + b"".join(parts)).digest() for salt in tried} & cut(proof.digests, DIGEST_BYTES))


def emptied(part: PersonalPart, paths: set[str]) -> PersonalPart:
    """A part as a ceiling narrows it that is tighter than today's: some fields of some records hold nothing."""
    changes = {
        name: tuple(_emptied(record, f"personal.{name}[{n}]", paths) for n, record in enumerate(getattr(part, name)))
        for name in PersonalPart.__struct_fields__
    }
    return replace(part, **changes)


def _emptied(record: Struct, path: str, paths: set[str]) -> Struct:
    return replace(record, **{one.name: one.default for one in fields(record) if f"{path}.{one.name}" in paths})


@given(PERSONAL)
@settings(max_examples=60)
def test_all_of_it_is_verified_and_neither_secret_travels_on(personal: PersonalPart) -> None:
    referral = sent(personal, personal)
    found = held(referral, personal)
    assert (found.provenance, found.altered, found.unclaimed) == (Provenance.VERIFIED, (), 0)
    assert set(found.signed) == {path for path, _, _ in fields_of_part(personal)}
    assert not any(secret in encode(referral) for secret in (SEED, PERSONAL_SEED))


@given(PERSONAL, PERSONAL)
@settings(max_examples=100)
def test_every_field_that_is_changed_or_added_is_named_and_what_is_taken_away_is_counted(
    personal: PersonalPart, other: PersonalPart
) -> None:
    assume(personal != other)
    before = {path: value for path, _, value in fields_of_part(personal)}
    after = {path: value for path, _, value in fields_of_part(other)}
    found = held(sent(personal, personal), other)
    assert found.provenance is Provenance.ALTERED
    assert set(found.altered) == {path for path in after if path not in before or before[path] != after[path]}
    assert found.unclaimed == len(before) - len(found.signed)


@given(PERSONAL, st.data())
@settings(max_examples=100)
def test_what_is_withheld_opens_for_nobody_and_the_rest_is_verified(personal: PersonalPart, data: Any) -> None:
    every = list(fields_of_part(personal))
    paths = [path for path, _, _ in every if "]." in path]
    assume(paths)
    withheld = data.draw(st.sets(st.sampled_from(paths), min_size=1))
    shown = emptied(personal, withheld)
    referral = sent(personal, shown)
    proof = proof_of(referral)
    assert not [path for path, write, value in every if path in withheld and opens(proof, (path, write, value))]
    assert all(opens(proof, field) for field in fields_of_part(shown))
    found = held(referral, shown)
    assert (found.provenance, found.altered, found.unclaimed) == (Provenance.VERIFIED, (), 0)


@given(PERSONAL)
@settings(max_examples=60)
def test_what_another_recipient_was_given_opens_nothing_of_ones_own(personal: PersonalPart) -> None:
    mine, theirs = replace(personal, network_events=()), replace(personal, accounts=(), locations=())
    assume(PersonalPart() not in (mine, theirs))
    one, two = sent(personal, mine), sent(personal, theirs, "fr-police")
    assert not cut(proof_of(one).salts, SALT_BYTES) & cut(proof_of(two).salts, SALT_BYTES) - {bytes(SALT_BYTES)}
    swapped = replace(one, sealed=(replace(one.sealed[0], proof=two.sealed[0].proof),))
    found = held(swapped, mine)
    assert (found.provenance, found.signed) == (Provenance.ALTERED, ())
    assert set(found.altered) == {path for path, _, _ in fields_of_part(mine)}


@given(PERSONAL, st.data())
@settings(max_examples=60)
def test_how_long_the_proof_is_tells_no_more_than_a_power_of_two(personal: PersonalPart, data: Any) -> None:
    every = list(fields_of_part(personal))
    paths = [path for path, _, _ in every if "]." in path]
    shown = emptied(personal, data.draw(st.sets(st.sampled_from(paths))) if paths else set())
    whole, narrow = proof_of(sent(personal, personal)), proof_of(sent(personal, shown))
    count = len(whole.digests) // DIGEST_BYTES
    assert count in {16, 32, 64, 128}
    assert count == 16 or count < 2 * len(every)
    assert (len(narrow.digests), len(narrow.salts)) == (len(whole.digests), count * SALT_BYTES)


@given(PERSONAL)
@settings(max_examples=20)
def test_where_nothing_is_shown_or_the_submitter_is_withheld_nothing_travels(personal: PersonalPart) -> None:
    assert sent(personal, PersonalPart()).sealed[0].proof == b""
    hidden = with_part(a_referral(submitter=MemberId("")), a_report_on(personal), personal)
    assert hidden.sealed[0].proof == b""
    assert Commitments(submitted=a_report_on(personal, sealed=())).part_proof_for(a_referral(), personal) is None
