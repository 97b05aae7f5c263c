"""Whether the member that a record names has signed it, by the key directory and the record's own time; pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.framing import FRAME_BYTES
from schemas.headers import event_type
from schemas.records.identifiers import MemberId
from schemas.signing import signature_of, verifies
from tocsin.runtime.keys.directory import Directory, Standing
from tocsin.runtime.keys.files import Use
from tocsin.runtime.transport.slices import RawRecord


class Origin(StrEnum):
    """What a record's signature is worth."""

    VERIFIED = "verified"
    EXPIRED = "expired"
    """Signed with a key that has ended and was not revoked: probably who it says, and not proven."""
    UNSIGNED = "unsigned"
    UNKNOWN_KEY = "unknown_key"
    REVOKED = "revoked"
    WRONG = "wrong"
    NOT_ASKED = "not_asked"
    """Nothing is verified here: a set of cases, or a test."""


_BY_STANDING: Final[Mapping[Standing, Origin]] = {
    Standing.LIVE: Origin.VERIFIED,
    Standing.EXPIRED: Origin.EXPIRED,
    Standing.REVOKED: Origin.REVOKED,
    Standing.NOT_YET: Origin.UNKNOWN_KEY,
    Standing.UNKNOWN: Origin.UNKNOWN_KEY,
}

REFUSALS: Final[Mapping[Origin, str]] = {
    Origin.UNSIGNED: "origin.unsigned",
    Origin.UNKNOWN_KEY: "origin.unknown_key",
    Origin.REVOKED: "origin.revoked",
    Origin.WRONG: "origin.wrong",
}
"""What makes a record a dead letter; the other origins go on."""


def origin_of(raw: RawRecord, record_type: type[Struct], member: MemberId, directory: Directory | None) -> Origin:
    """Verify one record that decoded as this type and names this member."""
    if directory is None:
        return Origin.NOT_ASKED
    signature = signature_of(raw.headers)
    if signature is None:
        return Origin.UNSIGNED
    key = directory.find(signature.key_id, member, Use.SIGN)
    if key is None:
        return Origin.UNKNOWN_KEY
    if not verifies(signature, key.public, event_type(record_type), (raw.value or b"")[FRAME_BYTES:]):
        return Origin.WRONG
    return _BY_STANDING[key.standing(raw.timestamp_ms)]


def origin_refusal(origin: Origin, *, signs: bool) -> str:
    """The code that refuses a record, or nothing; a member that has not agreed to sign may send unsigned."""
    return "" if origin is Origin.UNSIGNED and not signs else REFUSALS.get(origin, "")
