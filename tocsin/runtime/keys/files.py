"""Private keys on disk: one folder a principal, 0700, each key 0600 or refused."""

import os
from enum import StrEnum
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from schemas.failures import Broken
from schemas.records.identifiers import KeyId

_ID_DIGITS: Final = 16
_OTHERS: Final = 0o077


class Use(StrEnum):
    """What a key is for; no key has two uses."""

    SIGN = "sign"
    """Ed25519."""
    SEAL = "seal"
    """X25519."""


PrivateKey = Ed25519PrivateKey | X25519PrivateKey


def key_id_of(use: Use, public: bytes) -> KeyId:
    """The name of a key: it follows from the key, so that nobody can choose somebody else's."""
    return KeyId(sha256(use.encode() + b":" + public).hexdigest()[:_ID_DIGITS])


def new_key(use: Use) -> PrivateKey:
    """A fresh key."""
    return Ed25519PrivateKey.generate() if use is Use.SIGN else X25519PrivateKey.generate()


class KeyFolder:
    """The private keys of one principal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, use: Use, key: PrivateKey) -> KeyId:
        """Keep a key; the same key twice is the same file."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key_id = key_id_of(use, key.public_key().public_bytes_raw())
        draft = self._folder / f".{key_id}.{os.getpid()}"
        draft.touch(mode=0o600)
        draft.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        draft.replace(self._file(use, key_id))
        return key_id

    def names(self, use: Use) -> tuple[KeyId, ...]:
        """The keys of one use that are here."""
        return tuple(sorted(KeyId(file.name.split(".")[0]) for file in self._folder.glob(f"*.{use}.pem")))

    def stamp(self, use: Use, key_id: KeyId) -> tuple[int, ...] | None:
        """Another as soon as a key comes or goes, or this one is replaced or opened to others; None without it."""
        try:
            found = [path.stat() for path in (self._folder, self._file(use, key_id))]
        except FileNotFoundError:
            return None
        return tuple(chain.from_iterable((each.st_ino, each.st_mtime_ns, each.st_ctime_ns) for each in found))

    def signing(self, key_id: KeyId) -> Ed25519PrivateKey:
        """The private half of a signing key; raises Broken where it is not here or others can read it."""
        key = self._load(Use.SIGN, key_id)
        if not isinstance(key, Ed25519PrivateKey):
            raise _damaged(self._file(Use.SIGN, key_id))
        return key

    def sealing(self, key_id: KeyId) -> X25519PrivateKey:
        """The private half of a sealing key; raises Broken where it is not here or others can read it."""
        key = self._load(Use.SEAL, key_id)
        if not isinstance(key, X25519PrivateKey):
            raise _damaged(self._file(Use.SEAL, key_id))
        return key

    def delete(self, use: Use, key_id: KeyId) -> None:
        """Forget a key, its bytes overwritten first; whatever was sealed to it stays closed for ever."""
        file = self._file(use, key_id)
        if not file.exists():
            return
        with file.open("r+b") as over:
            over.write(bytes(file.stat().st_size))
            over.flush()
            os.fsync(over.fileno())
        file.unlink()

    def _load(self, use: Use, key_id: KeyId) -> PrivateKey:
        file = self._file(use, key_id)
        if not file.exists():
            raise Broken(f"The private key {key_id} is not in {self._folder.name}. Restore it.", code="keys.missing")
        self._require_private(file)
        try:
            key = serialization.load_pem_private_key(file.read_bytes(), password=None)
        except ValueError as error:
            raise _damaged(file) from error
        if not isinstance(key, PrivateKey) or key_id_of(use, key.public_key().public_bytes_raw()) != key_id:
            raise _damaged(file)
        return key

    def _require_private(self, file: Path) -> None:
        if any(path.stat().st_mode & _OTHERS for path in (file, self._folder)):
            raise Broken(
                f"Only its owner may read a private key, and others can read {file.name}. "
                "Say chmod 600 on the file and 700 on its folder, and exchange the key: tocsin keys rotate.",
                code="keys.too_open",
            )

    def _file(self, use: Use, key_id: KeyId) -> Path:
        return self._folder / f"{key_id}.{use}.pem"


def _damaged(file: Path) -> Broken:
    return Broken(f"{file.name} holds no private key of that name. Restore it.", code="keys.damaged")
