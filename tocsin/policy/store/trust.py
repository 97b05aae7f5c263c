"""Whom this deployment believes: its first bundle, and the people who may sign a later one (ADR 0016)."""

import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Struct

from schemas.catalogue import message
from schemas.documents import toml_table
from schemas.failures import Broken, Refused

NEEDED: Final = 2
"""People, for one change."""
TOGETHER: Final = " and "
"""Between the names of people who signed the same; no name has it in it."""
_NAME: Final = re.compile(r"[\w.-]+")
_PUBLIC_BYTES: Final = 32

FIRST_TRUST = """\
# Whom this deployment believes about its rules. It stands outside the policy store, so that
# whoever can write there cannot change whom it is believed by.
first = "{digest}"
least_lead_seconds = 300

# Two of these people sign each change; their public keys come from `tocsin policy key`.
# [signer.name]
# public_key = ""
"""
"""What an exchange begins to trust: its first bundle, and nobody yet."""


class Signer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One person who may sign."""

    public_key: str
    """Ed25519, base64; the other half never leaves the person."""

    def verifies(self, signature: str, statement: bytes) -> bool:
        """Whether this person signed that statement."""
        try:
            _public(self.public_key).verify(b64decode(signature, validate=True), statement)
        except (InvalidSignature, ValueError):
            return False
        return True


class Trust(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Kept beside the settings and not in the store, so that who can write the store cannot change whom it believes."""

    first: str
    """Digest of the bundle that is in force until somebody promotes another."""
    least_lead_seconds: int = 300
    """How far ahead of its instant a bundle is promoted at least: every worker has to have seen it by then."""
    signer: Mapping[str, Signer] = {}
    """Who may sign, by name; two of them sign each change."""


def read_trust(file: Path) -> Trust:
    """Read it; raises Broken where it cannot be believed."""
    try:
        trust = msgspec.convert(toml_table(file.read_bytes()), Trust)
    except FileNotFoundError as error:
        raise _unusable(file, "no such file") from error
    except msgspec.DecodeError as error:
        raise _unusable(file, str(error)) from error
    keys = Counter(signer.public_key for signer in trust.signer.values())
    if twice := [name for name, signer in trust.signer.items() if keys[signer.public_key] > 1]:
        raise _unusable(file, f"one key for {' and '.join(sorted(twice))}")
    for name, signer in trust.signer.items():
        if not _NAME.fullmatch(name):
            raise Broken(message("promotion.signer_name", name=name), code="promotion.signer_name")
        if not _is_public(signer.public_key):
            raise _unusable(file, f"no Ed25519 key for {name}")
    return trust


def new_key(file: Path) -> str:
    """Write a private key that its owner alone can read; tells the public half. Raises Refused where one is there."""
    key = Ed25519PrivateKey.generate()
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise Refused(message("promotion.key_exists", file=file.name), code="promotion.key_exists") from error
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return _told(key)


def sign(file: Path, statement: bytes) -> tuple[str, str]:
    """Signature and public half of the key in that file; raises Refused where there is none."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise Refused(message("promotion.no_key", file=file.name), code="promotion.no_key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(message("promotion.no_key", file=file.name), code="promotion.no_key")
    return b64encode(key.sign(statement)).decode(), _told(key)


def _told(key: Ed25519PrivateKey) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def _public(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))


def _is_public(text: str) -> bool:
    try:
        return len(b64decode(text, validate=True)) == _PUBLIC_BYTES
    except ValueError:
        return False


def _unusable(file: Path, found: str) -> Broken:
    return Broken(message("promotion.trust", file=file.name, found=found), code="promotion.trust")
