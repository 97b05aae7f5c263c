"""The certificates of one home: its own authority, and a PEM pair per principal that proves who connects."""

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from tocsin.runtime.privacy import require_private
from tocsin.stack.files import write_whole

PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
AUTHORITY: Final = "tocsin-local-authority"
_AUTHORITY_DAYS: Final = 3650
_DAYS: Final = 365
_CLOCK_SKEW: Final = timedelta(minutes=5)
RENEWED_BEFORE: Final = timedelta(days=30)
"""A certificate that ends within this time is issued again at the next `tocsin up`; the doctor tells of it as long."""


class Pair(Struct, frozen=True):
    """A certificate and its key, as PEM files; the bundle holds key and chain in one file, as Kafka wants them."""

    certificate: Path
    key: Path
    bundle: Path


class Authority:
    """Issues certificates of one home; the folder is 0700 and every key 0600."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.certificate = folder / "ca.pem"
        if not self.certificate.exists():
            self._create()

    def pair(self, principal: str, now: datetime | None = None) -> Pair:
        """The pair of a principal; issued on first use, and again when less than a month is left."""
        pair = Pair(*(self._folder / f"{principal}.{end}" for end in ("pem", "key", "bundle.pem")))
        now = now or datetime.now(UTC)
        if not pair.bundle.exists() or expiry(pair.certificate) <= now + RENEWED_BEFORE:
            self.issue(principal, pair, now, now + timedelta(days=_DAYS))
        return pair

    def issue(self, principal: str, pair: Pair, valid_from: datetime, valid_to: datetime) -> None:
        """Write a new pair with these dates; tests ask for expired ones."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority, signer = self._load()
        certificate = _leaf(principal, key.public_key(), authority.subject, (valid_from, valid_to)).sign(
            signer, hashes.SHA256()
        )
        chain = _pem(certificate)
        write_whole(pair.key, _key_pem(key))
        write_whole(pair.certificate, chain)
        write_whole(pair.bundle, _key_pem(key) + chain)

    def sign(self, principal: str, public: PublicKey, now: datetime) -> bytes:
        """A certificate for a key that stays with its owner, as PEM."""
        authority, signer = self._load()
        valid = (now, now + timedelta(days=_DAYS))
        return _pem(_leaf(principal, public, authority.subject, valid).sign(signer, hashes.SHA256()))

    def _create(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name, now = _name(AUTHORITY), datetime.now(UTC)
        certificate = (
            _builder(name, key.public_key(), name, (now, now + timedelta(days=_AUTHORITY_DAYS)))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        write_whole(self._folder / "ca.key", _key_pem(key))
        write_whole(self.certificate, _pem(certificate))

    def _load(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        require_private(self._folder / "ca.key")
        key = serialization.load_pem_private_key((self._folder / "ca.key").read_bytes(), password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101 -- _create wrote it
        return x509.load_pem_x509_certificate(self.certificate.read_bytes()), key


def expiry(certificate: Path) -> datetime:
    """Until when a PEM certificate is valid, UTC."""
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


_Validity = tuple[datetime, datetime]


def _leaf(principal: str, public: PublicKey, issuer: x509.Name, valid: _Validity) -> x509.CertificateBuilder:
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    return (
        _builder(_name(principal), public, issuer, valid)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
    )


def _builder(subject: x509.Name, public: PublicKey, issuer: x509.Name, valid: _Validity) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0] - _CLOCK_SKEW)
        .not_valid_after(valid[1])
    )


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
