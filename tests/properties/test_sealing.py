"""A sealed part opens for the holder of one key, in its own record, and for nobody and nowhere else."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.failures import Unreadable
from schemas.records.identifiers import KeyId, ReferralId, ReportId
from schemas.records.values import SealedPart
from schemas.sealing import NOT_SEALED, Binding, personal_part, seal, unseal, unsealed_part
from tests.builders.reports import a_personal_part, an_account

PRIVATE, OTHER = X25519PrivateKey.generate(), X25519PrivateKey.generate()
KEY = KeyId("k" * 16)
MARKER = "marker-7f3a"
PLAIN = replace(
    unsealed_part(a_personal_part(accounts=(an_account(value=MARKER),)), "nl-police", 8),
    proof=b"what it is checked with: " + MARKER.encode(),
)
BINDING = Binding(
    report_id=ReportId("report"),
    revision=1,
    referral_id=ReferralId("referral"),
    schema_id=8,
    audience="nl-police",
    policy="ab" * 32,
)
OTHERWISE: dict[str, Any] = {
    "report_id": ReportId("report-2"),
    "revision": 2,
    "referral_id": None,
    "schema_id": 9,
    "audience": "fr-police",
    "policy": "cd" * 32,
}
TEXTS = st.text(max_size=12)
BINDINGS = st.builds(
    Binding,
    report_id=TEXTS,
    revision=st.integers(1, 9),
    referral_id=TEXTS,
    schema_id=st.integers(0, 9),
    audience=TEXTS,
    policy=TEXTS,
)


def sealed(part: SealedPart = PLAIN) -> SealedPart:
    return seal(part, BINDING, KEY, PRIVATE.public_key().public_bytes_raw())


def does_not_open(part: SealedPart, binding: Binding = BINDING, private: X25519PrivateKey = PRIVATE) -> bool:
    with pytest.raises(Unreadable) as caught:
        unseal(part, binding, private)
    return caught.value.code == "sealed.damaged"


def flipped(data: bytes, place: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@given(plain=st.binary(max_size=2_000))
def test_what_is_sealed_is_opened_as_it_was(plain: bytes) -> None:
    part = replace(PLAIN, ciphertext=plain)
    assert unseal(sealed(part), BINDING, PRIVATE) == part


def test_nobody_reads_in_it_and_the_same_part_never_looks_the_same_twice() -> None:
    one, two = sealed(), sealed()
    assert MARKER.encode() in PLAIN.ciphertext
    assert MARKER.encode() not in one.enc + one.ciphertext + one.proof
    assert (one.key_id, personal_part(one)) == (KEY, None)
    assert one.enc != two.enc
    assert one.ciphertext != two.ciphertext
    assert one.proof != two.proof
    assert len(one.enc) == 32 + 48
    assert unseal(one, BINDING, PRIVATE).key_id == NOT_SEALED


@given(private=st.sampled_from([OTHER, X25519PrivateKey.generate()]))
def test_the_holder_of_another_key_cannot_open_it(private: X25519PrivateKey) -> None:
    assert does_not_open(sealed(), private=private)


@pytest.mark.parametrize("name", Binding.__struct_fields__)
def test_it_does_not_open_in_another_record_or_for_another_audience_or_policy(name: str) -> None:
    assert does_not_open(sealed(), replace(BINDING, **{name: OTHERWISE[name]}))


@given(place=st.integers(0, 10_000))
def test_a_bit_that_is_flipped_anywhere_keeps_it_shut(place: int) -> None:
    part = sealed()
    assert does_not_open(replace(part, ciphertext=flipped(part.ciphertext, place)))
    assert does_not_open(replace(part, enc=flipped(part.enc, place)))
    assert does_not_open(replace(part, proof=flipped(part.proof, place)))


@given(length=st.integers(0, 79))
def test_what_is_cut_off_stays_shut_and_breaks_nothing(length: int) -> None:
    part = sealed()
    assert does_not_open(replace(part, enc=part.enc[:length]))
    assert does_not_open(replace(part, ciphertext=part.ciphertext[:length]))


def test_parts_of_two_seals_do_not_fit_each_other() -> None:
    assert does_not_open(replace(sealed(), enc=sealed().enc))
    assert does_not_open(replace(sealed(), proof=sealed().proof))


def test_neither_of_the_two_that_one_key_seals_can_stand_for_the_other() -> None:
    part = sealed()
    assert does_not_open(replace(part, proof=part.ciphertext))
    assert does_not_open(replace(part, ciphertext=part.proof, proof=b""))


def test_a_part_of_a_release_that_proves_nothing_opens_and_so_does_ones_own_for_that_release() -> None:
    bare = replace(PLAIN, proof=b"")
    assert unseal(sealed(bare), BINDING, PRIVATE) == bare
    assert unseal(replace(sealed(), proof=b""), BINDING, PRIVATE) == bare, "it knows no such field, and leaves it out"


@given(one=BINDINGS, two=BINDINGS)
def test_no_two_bindings_encode_alike(one: Binding, two: Binding) -> None:
    assert (one.encoded() == two.encoded()) == (one == two)
