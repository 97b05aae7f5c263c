"""What the exchange hands to a member that keeps its own key: a certificate, the authority, and a settings file."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.runtime.settings import Settings
from tocsin.stack.certificates import Authority, expiry
from tocsin.stack.requests import fingerprint_in, packet_folder, read_request

_CERTIFICATES: Final = "certificates"
_DIRECTORY: Final = "directory.note"


class Packet(Struct, frozen=True, kw_only=True):
    """One member's certificate as this home has issued it."""

    folder: Path
    certificate: Path
    fingerprint: str
    valid_to: datetime


class Introduction(Struct, frozen=True, kw_only=True):
    """A member's request, and the fingerprint that its people read out over another way."""

    member: MemberId
    request: Path
    fingerprint: str


def enrol(home: Path, introduction: Introduction, ops: Settings) -> Packet:
    """Sign a request and write the packet; an earlier certificate stays valid until its own end.

    Raises Refused where the request is no good, or its fingerprint is another than the one that was read out.
    """
    member = introduction.member
    request = read_request(introduction.request, member)
    if _plain(request.fingerprint) != _plain(introduction.fingerprint):
        raise Refused(message("member.fingerprint"), code="member.fingerprint")
    authority = Authority(home / _CERTIFICATES)
    folder = packet_folder(home, member)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / f"{member}.pem").write_bytes(authority.sign(member, request.public, datetime.now(UTC)))
    (folder / "ca.pem").write_bytes(authority.certificate.read_bytes())
    if ops.trust is not None:
        (folder / _DIRECTORY).write_bytes(ops.trust.directory.read_bytes())
    (folder / f"{member}.toml").write_bytes(msgspec.toml.encode(_settings(member, ops)))
    return packet_of(home, member)


def packet_of(home: Path, member: MemberId) -> Packet:
    """What the member has; for one whose key lies in this home, the pair that `tocsin up` made."""
    folder = packet_folder(home, member)
    certificate = folder / f"{member}.pem" if folder.exists() else home / _CERTIFICATES / f"{member}.pem"
    if not certificate.exists():
        raise Refused(message("member.no_certificate", member=member), code="member.no_certificate")
    return Packet(
        folder=certificate.parent,
        certificate=certificate,
        fingerprint=fingerprint_in(certificate.read_bytes()),
        valid_to=expiry(certificate),
    )


def forget_keys(home: Path, member: MemberId) -> tuple[str, ...]:
    """Delete what this home holds of a member's certificates and keys; tells which files that were."""
    folder = packet_folder(home, member)
    files = [*sorted(folder.glob("*")), *sorted((home / _CERTIFICATES).glob(f"{member}.*"))]
    for file in files:
        file.unlink()
    if folder.exists():
        folder.rmdir()
    return tuple(file.name for file in files)


def _settings(member: MemberId, ops: Settings) -> dict[str, object]:
    """With names relative to the folder in which the member keeps its key."""
    return {
        "principal": member,
        "state": "state",
        "policy": "policy",
        "kafka": {
            "bootstrap": ops.kafka.bootstrap,
            "ca": "ca.pem",
            "certificate": f"{member}.pem",
            "key": f"{member}.key",
        },
        "registry": {"url": ops.registry.url, "ca": "ca.pem", "cache": "state/schemas"},
    } | _trust(ops)


def _trust(ops: Settings) -> dict[str, object]:
    """Whose key directory to believe, and where the member's own keys are to lie."""
    if ops.trust is None:
        return {}
    return {"trust": {"directory": _DIRECTORY, "keeper": ops.trust.keeper, "keys": "keys"}}


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.lower().split()).replace(":", "")
