"""An early yes changes no verdict: OpenSSL says the same of every signature that anybody can make."""

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import early_yes
from schemas.early_yes import is_strict, libsodium, never
from schemas.records.identifiers import KeyId
from schemas.signing import Signature, is_signed
from tests.builders.edwards import (
    BASE,
    NEUTRAL,
    ORDER,
    SMALL_ORDER,
    Point,
    added,
    challenge,
    encoded,
    other_encodings,
    times,
)

ROOT = Path(__file__).parents[3]
PRIVATE = Ed25519PrivateKey.from_private_bytes(sha256(b"a test's key").digest())
PUBLIC = PRIVATE.public_key().public_bytes_raw()
SECRET, DRAWN = (int.from_bytes(sha256(name).digest()) % ORDER for name in (b"a secret", b"drawn"))
MESSAGES = (b"", b"hello", bytes(600), b"another")
HIGHEST = 2**256
installed = pytest.mark.skipif(libsodium() is None, reason="PyNaCl is not installed here")


def openssl(signature: bytes, public: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def signed(signature: bytes, public: bytes, message: bytes) -> bool:
    return is_signed(Signature(key_id=KeyId("k"), value=signature), public, message)


def points(factor: int) -> Iterator[tuple[int, bytes]]:
    """Points of each order, in each encoding: of the base's own, of eight times that, and of eight and less."""
    for number, of_base in ((factor, times(factor, BASE)), (0, NEUTRAL)):
        for torsion in SMALL_ORDER:
            point: Point = added(of_base, torsion)
            yield from ((number, written) for written in (encoded(point), *other_encodings(point)))


@cache
def cases() -> tuple[tuple[bytes, bytes, bytes], ...]:
    """Signatures at the edges of "Taming the many EdDSAs", of every kind of key, first half and second half."""
    found = []
    for (secret, public), (drawn, r), message in product(points(SECRET), points(DRAWN), MESSAGES):
        second = (drawn + challenge(r, public, message) * secret) % ORDER
        for number in (second, second + ORDER, second + 8 * ORDER, second + 15 * ORDER):
            if number < HIGHEST:
                found.append((r + number.to_bytes(32, "little"), public, message))
    return tuple(found)


def test_a_verdict_at_the_edges_is_that_of_openssl() -> None:
    verdicts = [(signed(*case), openssl(*case)) for case in cases()]
    assert all(ours == theirs for ours, theirs in verdicts)
    assert {theirs for _, theirs in verdicts} == {True, False}


@installed
def test_an_early_yes_at_the_edges_is_one_that_openssl_says_as_well_and_not_the_other_way_round() -> None:
    says = libsodium()
    assert says is not None
    early, late = ({case for case in cases() if accepts(*case)} for accepts in (says, openssl))
    assert early < late
    plain = encoded(times(SECRET, BASE))
    assert {public for _, public, _ in early} > {plain}, "a key of another order is among what both accept"
    assert {public for _, public, _ in late - early}, "and there is something left to ask OpenSSL"


def test_what_holds_only_times_eight_is_among_the_edges_and_refused() -> None:
    """Such a case asks libsodium before the first signature."""
    secret, drawn = (
        int.from_bytes(sha256(name).digest()) % ORDER
        for name in (b"a key that nobody uses", b"drawn for one signature")
    )
    public, r = encoded(times(secret, BASE)), encoded(added(times(drawn, BASE), SMALL_ORDER[1]))
    second = (drawn + challenge(r, public, early_yes.TIMES_EIGHT_MESSAGE) * secret) % ORDER
    case = (r + second.to_bytes(32, "little"), public, early_yes.TIMES_EIGHT_MESSAGE)
    assert case == (early_yes.TIMES_EIGHT_SIGNATURE, early_yes.TIMES_EIGHT_PUBLIC, early_yes.TIMES_EIGHT_MESSAGE)
    assert not openssl(*case)
    assert not signed(*case)


@installed
def test_libsodium_is_asked_where_it_is_strict_and_nobody_who_is_not() -> None:
    says = libsodium()
    assert says is not None
    assert is_strict(says)
    assert early_yes.chosen() is not never
    assert is_strict(never)
    assert not is_strict(lambda *_: True)


@settings(max_examples=300)
@given(
    message=st.binary(max_size=200),
    flips=st.lists(st.tuples(st.integers(0, 63), st.integers(0, 7)), max_size=3),
    key_flips=st.lists(st.tuples(st.integers(0, 31), st.integers(0, 7)), max_size=2),
    other=st.none() | st.binary(max_size=200),
)
def test_a_signature_that_was_changed_gets_the_verdict_of_openssl(
    message: bytes, flips: list[tuple[int, int]], key_flips: list[tuple[int, int]], other: bytes | None
) -> None:
    case = flipped(PRIVATE.sign(message), flips), flipped(PUBLIC, key_flips), message if other is None else other
    assert signed(*case) == openssl(*case)
    if not (flips or key_flips or other is not None):
        assert signed(*case)


def flipped(data: bytes, flips: list[tuple[int, int]]) -> bytes:
    found = bytearray(data)
    for place, bit in flips:
        found[place] ^= 1 << bit
    return bytes(found)


@installed
@pytest.mark.parametrize(
    ("signature", "public"), [(b"", PUBLIC), (bytes(63), PUBLIC), (bytes(64), b""), (bytes(64), PUBLIC[:31])]
)
def test_what_has_another_length_is_never_handed_to_libsodium(signature: bytes, public: bytes) -> None:
    says = libsodium()
    assert says is not None
    assert not says(signature, public, b"message")


@installed
def test_a_message_that_libsodium_would_be_slower_with_is_left_to_openssl() -> None:
    says, longest = libsodium(), bytes(early_yes.LONGEST)
    assert says is not None
    assert says(PRIVATE.sign(longest), PUBLIC, longest)
    assert not says(PRIVATE.sign(longest + b"x"), PUBLIC, longest + b"x")
    assert signed(PRIVATE.sign(longest + b"x"), PUBLIC, longest + b"x")


_ALONE = """
import sys
sys.modules["nacl"] = None
from schemas import early_yes
from schemas.records.identifiers import KeyId
from schemas.signing import Signature, is_signed
assert early_yes.chosen() is early_yes.never
signature, public = map(bytes.fromhex, sys.argv[1:])
print([is_signed(Signature(key_id=KeyId("k"), value=signature), public, said) for said in (b"said", b"other")])
"""


def test_where_pynacl_is_not_installed_openssl_is_asked_alone() -> None:
    said = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-c", _ALONE, PRIVATE.sign(b"said").hex(), PUBLIC.hex()],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.strip() == "[True, False]"
