"""Whose certificate the settings hold, looked at before anything is sent: pure but for one file."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID

from schemas.catalogue import message
from schemas.failures import Broken
from schemas.records.identifiers import MemberId


def check_certificate(path: Path | None, member: MemberId, now_ms: int) -> None:
    """Raise Broken where the certificate is another's or past; without one (a test broker) there is nothing to check.

    The broker decides who may write; this only says in words what it would say with a closed connection.
    """
    if path is None:
        return
    certificate = _read(path)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if [name.value for name in names] != [member]:
        raise Broken(message("identity.wrong_member", member=member), code="identity.wrong_member")
    until = certificate.not_valid_after_utc
    if until <= datetime.fromtimestamp(now_ms / 1000, UTC):
        found = message("identity.expired", member=member, until=until.date().isoformat())
        raise Broken(found, code="identity.expired")


def _read(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Broken(message("identity.unreadable"), code="identity.unreadable") from error
