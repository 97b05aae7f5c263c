"""Origin signatures: what was signed verifies, and nothing else does."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from schemas.records.identifiers import KeyId
from schemas.signing import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    pre_authentication_encoding,
    signature_headers,
    signature_of,
    verifies,
)

PRIVATE = Ed25519PrivateKey.from_private_bytes(sha256(b"a test's key").digest())
PUBLIC = PRIVATE.public_key().public_bytes_raw()
TYPE = "tocsin.ReportSubmitted.v1"


def test_the_encoding_is_the_one_that_dsse_publishes() -> None:
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


@given(body=st.binary(max_size=200), other=st.binary(max_size=200))
def test_a_signature_fits_its_body_and_its_type_alone(body: bytes, other: bytes) -> None:
    signature = signature_of(signature_headers(PRIVATE, KeyId("k1"), TYPE, body))
    assert signature is not None
    assert verifies(signature, PUBLIC, TYPE, body)
    assert verifies(signature, PUBLIC, TYPE, other) is (other == body)
    assert not verifies(signature, PUBLIC, "tocsin.Withdrawal.v1", body)
    assert not verifies(signature, Ed25519PrivateKey.generate().public_key().public_bytes_raw(), TYPE, body)


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [(KEY_HEADER, b"k1")],
        [(KEY_HEADER, b"k1"), (SIGNATURE_HEADER, None)],
        [(KEY_HEADER, b"k1"), (SIGNATURE_HEADER, b"AAAA")],
        [(KEY_HEADER, b"k1"), (SIGNATURE_HEADER, b"?" * 88)],
        [(KEY_HEADER, b"k" * 65), (SIGNATURE_HEADER, b"A" * 86 + b"==")],
        [(KEY_HEADER, b"\xff"), (SIGNATURE_HEADER, b"A" * 86 + b"==")],
        [(SIGNATURE_HEADER, b"A" * 86 + b"==")],
    ],
)
def test_headers_of_another_shape_hold_no_signature(headers: list[tuple[str, bytes | None]] | None) -> None:
    assert signature_of(headers) is None
