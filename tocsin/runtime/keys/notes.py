"""Signed notes (C2SP signed-note): a text, a blank line, and signatures that anybody can check with public keys."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from schemas.failures import Unreadable

MAX_NOTE_BYTES: Final = 1_048_576
_ED25519: Final = b"\x01"
_HASH_BYTES: Final = 4
_DASH: Final = "— "
_MOST_SIGNATURES: Final = 16


class NoteKey(Struct, frozen=True, kw_only=True):
    """A public key under the name that its signature lines carry."""

    name: str
    public: bytes
    """Raw Ed25519, 32 bytes."""

    @property
    def hint(self) -> bytes:
        """The four bytes by which a signature line names its key."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_HASH_BYTES]

    def __str__(self) -> str:
        """The form in which people pass it on: name, hint, key."""
        return f"{self.name}+{self.hint.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, written: str) -> Self:
        """Read that form; raises Unreadable where hint and key do not belong together."""
        name, _, rest = written.strip().partition("+")
        hint, _, encoded = rest.partition("+")
        public = _decoded(encoded)
        key = cls(name=name, public=public[1:])
        if not name or public[:1] != _ED25519 or key.hint.hex() != hint:
            raise Unreadable(
                "A verifying key is name+hint+key, and this one does not hold together. Copy it whole.",
                code="note.key",
            )
        return key


class Note(Struct, frozen=True, kw_only=True):
    """A text that somebody known has signed."""

    text: str
    signers: tuple[str, ...]


def sign_note(text: str, name: str, private: Ed25519PrivateKey, *, earlier: str = "") -> str:
    """The note of a text that ends with a line break; `earlier` is a note of the same text that others signed."""
    _check(text)
    key = NoteKey(name=name, public=private.public_key().public_bytes_raw())
    line = f"{_DASH}{name} {base64.b64encode(key.hint + private.sign(text.encode())).decode()}\n"
    if earlier and earlier.rpartition("\n\n")[0] + "\n" == text:
        return earlier + line
    return f"{text}\n{line}"


def open_note(note: str, keys: Iterable[NoteKey]) -> Note:
    """The text, and which of these keys signed it; raises Unreadable where none did or one did so wrongly."""
    if len(note.encode()) > MAX_NOTE_BYTES:
        raise Unreadable(f"A signed note has at most {MAX_NOTE_BYTES} bytes. Get it anew.", code="note.unreadable")
    body, parted, lines = note.rpartition("\n\n")
    text = body + "\n"
    if not parted:
        raise Unreadable("A signed note ends with its signatures, found none. Get it anew.", code="note.unreadable")
    _check(text)
    signers = tuple(_signers(text, lines, {(key.name, key.hint): key for key in keys}))
    if not signers:
        raise Unreadable(
            "A signed note is signed by a key that is trusted here, and this one is not. Do not use it.",
            code="note.unproven",
        )
    return Note(text=text, signers=signers)


def _signers(text: str, lines: str, known: dict[tuple[str, bytes], NoteKey]) -> Iterator[str]:
    for line in lines.splitlines()[:_MOST_SIGNATURES]:
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        signature = _decoded(encoded)
        key = known.get((name, signature[:_HASH_BYTES]))
        if key is None:
            continue  # whom we do not know says nothing to us
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[_HASH_BYTES:], text.encode())
        except InvalidSignature as error:
            raise Unreadable(
                f"The signature of {name} does not fit the text: one of them was changed. Do not use it.",
                code="note.altered",
            ) from error
        yield name


def _check(text: str) -> None:
    if not text.endswith("\n") or any(ord(sign) < ord(" ") and sign != "\n" for sign in text):
        raise Unreadable("The text of a note is lines without control characters. Get it anew.", code="note.unreadable")


def _decoded(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("A part of a note is no base64. Get it anew.", code="note.unreadable") from error
