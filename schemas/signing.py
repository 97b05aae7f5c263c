"""Origin signatures: Ed25519 over DSSE's pre-authentication encoding of a record's type and its raw Avro bytes."""

import base64
import binascii
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from schemas.early_yes import says_yes
from schemas.headers import Headers
from schemas.records.identifiers import KeyId

SIGNATURE_HEADER: Final = "tocsin-signature"
KEY_HEADER: Final = "tocsin-key-id"
_SIGNATURE_BYTES: Final = 64
_LONGEST_KEY_ID: Final = 64
_VERSION: Final = b"DSSEv1"


class Signature(Struct, frozen=True, kw_only=True, gc=False):
    """Who says that it signed, and the signature; nothing is proven before `verifies` says so."""

    key_id: KeyId
    value: bytes


def pre_authentication_encoding(record_type: str, body: bytes) -> bytes:
    """DSSE's PAE: lengths before texts, so that no two pairs of type and body encode alike."""
    name = record_type.encode()
    return b" ".join((_VERSION, str(len(name)).encode(), name, str(len(body)).encode(), body))


def signature_headers(private: Ed25519PrivateKey, key_id: KeyId, record_type: str, body: bytes) -> Headers:
    """The headers that carry a signature; `body` is the Avro value without the frame of the registry."""
    value = private.sign(pre_authentication_encoding(record_type, body))
    return [(KEY_HEADER, key_id.encode()), (SIGNATURE_HEADER, base64.b64encode(value))]


def signature_of(headers: Iterable[tuple[str, bytes | None]] | None) -> Signature | None:
    """What the headers say; None where they carry no signature of the right shape."""
    found = {name: value for name, value in headers or () if value}
    try:
        value = base64.b64decode(found.get(SIGNATURE_HEADER, b""), validate=True)
        key_id = found.get(KEY_HEADER, b"").decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if len(value) != _SIGNATURE_BYTES or not 0 < len(key_id) <= _LONGEST_KEY_ID:
        return None
    return Signature(key_id=KeyId(key_id), value=value)


def verifies(signature: Signature, public: bytes, record_type: str, body: bytes) -> bool:
    """Whether the holder of this key signed this body as a record of this type; `public` is raw, 32 bytes."""
    return is_signed(signature, public, pre_authentication_encoding(record_type, body))


def is_signed(signature: Signature, public: bytes, message: bytes) -> bool:
    """Whether the holder of this key signed exactly these bytes; OpenSSL's word, or a yes that it would say as well."""
    if says_yes(signature.value, public, message):
        return True
    try:
        _key(public).verify(signature.value, message)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=1_000)
def _key(public: bytes) -> Ed25519PublicKey:
    """The same few members sign nearly all that comes."""
    return Ed25519PublicKey.from_public_bytes(public)
