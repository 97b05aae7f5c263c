"""Certificate requests: what the member keeps, and what the exchange does not sign."""

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.stack.requests import make_request, read_request

MEMBER = MemberId("be-hotline")


def test_the_key_stays_with_its_owner_and_the_request_carries_its_fingerprint(tmp_path: Path) -> None:
    made = make_request(tmp_path, MEMBER)
    assert made.key.stat().st_mode & 0o077 == 0
    assert b"PRIVATE" not in made.request.read_bytes()
    assert read_request(made.request, MEMBER).fingerprint == made.fingerprint


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    key = make_request(tmp_path, MEMBER).key.read_bytes()
    with pytest.raises(Refused) as refused:
        make_request(tmp_path, MEMBER)
    assert refused.value.code == "member.key_exists"
    assert (tmp_path / f"{MEMBER}.key").read_bytes() == key


def a_weak_request(folder: Path) -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, MEMBER)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return request.public_bytes(serialization.Encoding.PEM)


def another_members(folder: Path) -> bytes:
    return make_request(folder / "other", MemberId("nl-hotline")).request.read_bytes()


def a_private_key(folder: Path) -> bytes:
    return make_request(folder / "other", MEMBER).key.read_bytes()


def a_forged_request(folder: Path) -> bytes:
    """Signed by another key than the one that it names."""
    whole = x509.load_pem_x509_csr(make_request(folder / "other", MEMBER).request.read_bytes())
    data = bytearray(whole.public_bytes(serialization.Encoding.DER))
    data[-1] ^= 1
    return x509.load_der_x509_csr(bytes(data)).public_bytes(serialization.Encoding.PEM)


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (a_weak_request, "member.weak_key"),
        (another_members, "member.request_of_another"),
        (a_private_key, "member.private_key_sent"),
        (a_forged_request, "member.request_not_own"),
        (lambda folder: b"no request", "member.no_request"),
    ],
)
def test_what_must_not_be_signed_is_refused_with_its_reason(
    made: Callable[[Path], bytes], code: str, tmp_path: Path
) -> None:
    file = tmp_path / "sent.csr"
    file.write_bytes(made(tmp_path))
    with pytest.raises(Refused) as refused:
        read_request(file, MEMBER)
    assert refused.value.code == code
