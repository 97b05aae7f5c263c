"""Signs what one principal says, with the newest key that is good and whose private half is here."""

import secrets
from collections.abc import Callable, Iterator
from typing import Final, Self

from msgspec import Struct

from schemas.commitments import SEED_BYTES, committed
from schemas.failures import Refused
from schemas.framing import FRAME_BYTES
from schemas.headers import Headers, event_type
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.signing import Signature, signature_headers
from tocsin.runtime.keys.changing import DAY_MS
from tocsin.runtime.keys.directory import Directory, PublicKey, Standing
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.keys.notes import NoteKey, sign_note
from tocsin.runtime.keys.publishing import DirectoryFile
from tocsin.runtime.settings import TrustSettings

WARN_DAYS: Final = 30
_WORTH: Final = (Standing.EXPIRED, Standing.LIVE)
"""A live key signs; an expired one still does, so that what is urgent goes on, marked."""


class Signer:
    """One principal's; built once per process, and follows the directory."""

    def __init__(self, trust: TrustSettings, principal: MemberId, now_ms: Callable[[], int]) -> None:
        self._directory = DirectoryFile(trust.directory, NoteKey.parse(trust.keeper))
        self._keys = KeyFolder(trust.keys)
        self._principal = principal
        self._now_ms = now_ms

    @classmethod
    def of(cls, trust: TrustSettings | None, principal: MemberId, now_ms: Callable[[], int]) -> Self | None:
        """None where the settings name no keys."""
        return cls(trust, principal, now_ms) if trust else None

    def headers(self, record_type: type[Struct], value: bytes) -> Headers:
        """The signature of a framed value; raises Refused where there is no key to sign with, Broken where it is open.

        What is signed is the Avro body: the frame's schema id is the registry's business.
        """
        key = self._key()
        private = self._keys.signing(key.key_id)
        return signature_headers(private, key.key_id, event_type(record_type), value[FRAME_BYTES:])

    def note(self, text: str, name: str) -> str:
        """A signed note of the text; raises as `headers` does."""
        return sign_note(text, name, self._keys.signing(self._key().key_id))

    def committed(self, report: ReportSubmitted) -> ReportSubmitted:
        """The report with what lets its recipients check single fields; a new secret each time."""
        return committed(report, secrets.token_bytes(SEED_BYTES), self._sign)

    def warnings(self) -> tuple[str, ...]:
        """What to say to a person before it is too late."""
        key, now_ms = self._key(), self._now_ms()
        days = (key.valid_until_ms - now_ms) // DAY_MS
        if days >= WARN_DAYS:
            return ()
        ends = f"ends in {days} days" if days >= 0 else "has ended: what is not urgent waits until it is replaced"
        return (f"Your signing key {key.key_id} {ends}. Exchange it: tocsin keys rotate --as {self._principal}",)

    def _sign(self, message: bytes) -> Signature:
        key_id = self._key().key_id
        return Signature(key_id=key_id, value=self._keys.signing(key_id).sign(message))

    def _key(self) -> PublicKey:
        here = frozenset(self._keys.names(Use.SIGN))
        usable = [
            key for key in _usable(self._directory.current(), self._principal, self._now_ms()) if key.key_id in here
        ]
        if not usable:
            raise Refused(
                f"{self._principal} has no signing key here that is in the directory and not revoked. "
                f"Make one: tocsin keys new --as {self._principal}",
                code="keys.none_live",
            )
        return usable[-1]


def _usable(directory: Directory, principal: MemberId, now_ms: int) -> Iterator[PublicKey]:
    """The best last."""
    own = [key for key in directory.keys if (key.principal, key.use) == (principal, Use.SIGN)]
    for standing in _WORTH:
        yield from sorted(
            (key for key in own if key.standing(now_ms) is standing), key=lambda key: (key.valid_from_ms, key.key_id)
        )
