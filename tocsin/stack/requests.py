"""Certificate requests: the member makes its key and keeps it; the exchange sees the request and signs it."""

import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.stack.certificates import PublicKey

_LEAST_CURVE_BITS: Final = 256
_LEAST_RSA_BITS: Final = 3072
_MOST_REQUEST_BYTES: Final = 20_000
_FINGERPRINT_GROUPS: Final = 8


class Made(Struct, frozen=True, kw_only=True):
    """What the member has now: the key to keep, the request to send, and what to read out on the phone."""

    key: Path
    request: Path
    fingerprint: str


class CertificateRequest(Struct, frozen=True, kw_only=True):
    """A request that may be signed."""

    public: PublicKey
    fingerprint: str


def packet_folder(home: Path, member: MemberId) -> Path:
    """Where a home keeps what it hands to a member that has its own key."""
    return home / "members" / member


def make_request(folder: Path, member: MemberId) -> Made:
    """A new key, 0600, and its request; an existing key is never overwritten."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    key_file, request_file = folder / f"{member}.key", folder / f"{member}.csr"
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, member)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    _write_new(key_file, _key_pem(key))
    request_file.write_bytes(request.public_bytes(serialization.Encoding.PEM))
    return Made(key=key_file, request=request_file, fingerprint=fingerprint_of(key.public_key()))


def read_request(file: Path, member: MemberId) -> CertificateRequest:
    """A request of that member; raises Refused for what is none, is another's, is not its own, or has a weak key."""
    content = file.read_bytes()[:_MOST_REQUEST_BYTES]
    if b"PRIVATE KEY" in content:
        raise _refused("member.private_key_sent", member)
    try:
        request = x509.load_pem_x509_csr(content)
        public = request.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _refused("member.no_request", member) from error
    if not request.is_signature_valid:
        raise _refused("member.request_not_own", member)
    names = [attribute.value for attribute in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [member]:
        raise _refused("member.request_of_another", member)
    if not (isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey) and _is_strong(public)):
        raise _refused("member.weak_key", member)
    return CertificateRequest(public=public, fingerprint=fingerprint_of(public))


def fingerprint_of(public: PublicKey) -> str:
    """Of the key, in groups that two people can read to each other."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))
    text = digest.finalize().hex()
    return " ".join(text[start : start + _FINGERPRINT_GROUPS] for start in range(0, len(text), _FINGERPRINT_GROUPS))


def fingerprint_in(certificate: bytes) -> str:
    """Of the key that a certificate is for."""
    public = x509.load_pem_x509_certificate(certificate).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)  # noqa: S101 -- we signed no other
    return fingerprint_of(public)


def _is_strong(public: PublicKey) -> bool:
    least = _LEAST_RSA_BITS if isinstance(public, rsa.RSAPublicKey) else _LEAST_CURVE_BITS
    return public.key_size >= least


def _refused(code: str, member: MemberId) -> Refused:
    return Refused(message(code, member=member), code=code)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write_new(path: Path, data: bytes) -> None:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise Refused(message("member.key_exists", file=path.name), code="member.key_exists") from error
    with os.fdopen(handle, "wb") as file:
        file.write(data)
