"""A member's wish to have a key admitted: a note that the key itself, or the member's live one, has signed."""

import base64
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from schemas.failures import Refused, Unreadable
from schemas.records.identifiers import MemberId
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.notes import NoteKey, open_note, sign_note

_TITLE: Final = "tocsin key request v1"
_PARTS: Final = 3


class Request(Struct, frozen=True, kw_only=True):
    """What is to be admitted; it holds nothing secret and may travel by e-mail."""

    principal: MemberId
    use: Use
    public: bytes

    def signed(self, signing: Ed25519PrivateKey) -> str:
        """The note to send to the keeper: `signing` is the new key, or for a sealing key the live signing key."""
        return sign_note(self._text(), self.principal, signing)

    def _text(self) -> str:
        return f"{_TITLE}\n{self.principal} {self.use} {base64.b64encode(self.public).decode()}\n"

    @classmethod
    def parse(cls, note: str) -> Self:
        """What the note asks for, before its signature is looked at."""
        title, _, rest = note.partition("\n")
        parts = rest.partition("\n")[0].split(" ")
        if title != _TITLE or len(parts) != _PARTS:
            raise Unreadable(
                f"A key request begins with '{_TITLE}', found another beginning. Make one: tocsin keys new --request",
                code="keys.request",
            )
        try:
            return cls(
                principal=MemberId(parts[0]), use=Use(parts[1]), public=base64.b64decode(parts[2], validate=True)
            )
        except ValueError as error:
            raise Unreadable("A key request cannot be read. Ask for a new one.", code="keys.request") from error


def proven(note: str, directory: Directory, now_ms: int) -> Request:
    """The request, where a live signing key of the member signed it, or the very first key signed itself."""
    request = Request.parse(note)
    live = directory.live(request.principal, Use.SIGN, now_ms)
    trusted = [key.public for key in live] or ([request.public] if request.use is Use.SIGN else [])
    try:
        open_note(note, [NoteKey(name=request.principal, public=public) for public in trusted])
    except Unreadable as failure:
        raise Refused(
            f"A live key of {request.principal} has to sign for a new one, and none did. "
            "Sign with the key in use; where it is lost, revoke it first and compare the new one by telephone.",
            code="keys.request_unproven",
        ) from failure
    return request
