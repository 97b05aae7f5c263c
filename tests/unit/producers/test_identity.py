"""Whose certificate it is, said before the broker closes the connection without a word."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from producers.identity import check_certificate
from schemas.failures import Broken
from schemas.records.identifiers import MemberId

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MEMBER = MemberId("plat-a")


def a_certificate(folder: Path, name: str, days: int) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("name", "days", "code"),
    [("plat-a", 5, ""), ("ngo-b", 5, "identity.wrong_member"), ("plat-a", -5, "identity.expired")],
)
def test_only_ones_own_valid_certificate_will_do(tmp_path: Path, name: str, days: int, code: str) -> None:
    path = a_certificate(tmp_path, name, days)
    assert _code(path) == code


def test_a_file_that_is_no_certificate_is_said(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    assert _code(tmp_path / "x.pem") == "identity.unreadable"
    assert _code(tmp_path / "missing.pem") == "identity.unreadable"


def test_a_test_broker_without_certificates_needs_none() -> None:
    check_certificate(None, MEMBER, 0)


def _code(path: Path) -> str:
    try:
        check_certificate(path, MEMBER, int(NOW.timestamp() * 1000))
    except Broken as failure:
        return failure.code
    return ""
