"""Signs what one principal says, with the newest key that is good and whose private half is here."""

import secrets
from collections.abc import Callable
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from schemas.commitments import SEED_BYTES, committed, part_committed
from schemas.failures import Refused
from schemas.framing import FRAME_BYTES
from schemas.headers import Headers, event_type
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.signing import Signature, signature_headers
from tocsin.runtime.keys.directory import Directory, PublicKey, Standing
from tocsin.runtime.keys.ending import WARN_DAYS, ending, left_days
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.keys.notes import NoteKey, sign_note
from tocsin.runtime.keys.publishing import DirectoryFile
from tocsin.runtime.settings import TrustSettings

_WORTH: Final = (Standing.EXPIRED, Standing.LIVE)
"""A live key signs; an expired one still does, so that what is urgent goes on, marked."""


class Signer:
    """One principal's; built once per process, and follows the directory."""

    def __init__(self, trust: TrustSettings, principal: MemberId, now_ms: Callable[[], int]) -> None:
        self._directory = DirectoryFile(trust.directory, NoteKey.parse(trust.keeper))
        self._keys = KeyFolder(trust.keys)
        self._principal = principal
        self._now_ms = now_ms
        self._in_use: _InUse | None = None

    @classmethod
    def of(cls, trust: TrustSettings | None, principal: MemberId, now_ms: Callable[[], int]) -> Self | None:
        """None where the settings name no keys."""
        return cls(trust, principal, now_ms) if trust else None

    def headers(self, record_type: type[Struct], value: bytes) -> Headers:
        """The signature of a framed value; raises Refused where there is no key to sign with, Broken where it is open.

        What is signed is the Avro body: the frame's schema id is the registry's business.
        """
        found = self._current()
        return signature_headers(found.private, found.key.key_id, event_type(record_type), value[FRAME_BYTES:])

    def note(self, text: str, name: str) -> str:
        """A signed note of the text; raises as `headers` does."""
        return sign_note(text, name, self._current().private)

    def committed(self, report: ReportSubmitted) -> ReportSubmitted:
        """The report with what lets its recipients check single fields; new secrets each time, one for its persons."""
        proven = part_committed(report, secrets.token_bytes(SEED_BYTES), self._sign)
        return committed(proven, secrets.token_bytes(SEED_BYTES), self._sign)

    def warnings(self) -> tuple[str, ...]:
        """What to say to a person before it is too late."""
        key, now_ms = self._key(), self._now_ms()
        days = left_days(key, now_ms)
        if days >= WARN_DAYS:
            return ()
        ends = ending(key, now_ms) + ("" if days >= 0 else ": what is not urgent waits until it is replaced")
        return (f"Your signing key {key.key_id} {ends}. Exchange it: tocsin keys rotate --as {self._principal}",)

    def _sign(self, message: bytes) -> Signature:
        found = self._current()
        return Signature(key_id=found.key.key_id, value=found.private.sign(message))

    def _key(self) -> PublicKey:
        return self._current().key

    def _current(self) -> "_InUse":
        """The key in use, chosen and loaded anew as soon as anything is not as it was: this runs for every record."""
        directory, now_ms = self._directory.current(), self._now_ms()
        found = self._in_use
        if found is None or not found.holds(directory, now_ms) or found.stamp != self._stamp_of(found.key):
            found = self._in_use = self._chosen(directory, now_ms)
        return found

    def _chosen(self, directory: Directory, now_ms: int) -> "_InUse":
        key = self._best(directory, now_ms)
        stamp = self._stamp_of(key)  # before the key is read: what changes meanwhile is noticed at the next record
        return _InUse(
            key=key,
            private=self._keys.signing(key.key_id),
            directory=directory,
            stamp=stamp,
            from_ms=now_ms,
            until_ms=directory.next_change_ms(self._principal, Use.SIGN, now_ms),
        )

    def _best(self, directory: Directory, now_ms: int) -> PublicKey:
        here = frozenset(self._keys.names(Use.SIGN))
        own = [key for key in directory.of(self._principal, Use.SIGN) if key.key_id in here]
        usable = [key for standing in _WORTH for key in own if key.standing(now_ms) is standing]
        if not usable:
            raise Refused(
                f"{self._principal} has no signing key here that is in the directory and not revoked. "
                f"Make one: tocsin keys new --as {self._principal}",
                code="keys.none_live",
            )
        return usable[-1]

    def _stamp_of(self, key: PublicKey) -> tuple[int, ...] | None:
        return self._keys.stamp(Use.SIGN, key.key_id)


class _InUse(Struct, frozen=True, kw_only=True):
    """A loaded key, and what has to stay as it is for it to be the best one."""

    key: PublicKey
    private: Ed25519PrivateKey
    directory: Directory
    stamp: tuple[int, ...] | None
    from_ms: int
    until_ms: int | None

    def holds(self, directory: Directory, now_ms: int) -> bool:
        """Whether the directory is the same, and no key of this principal has begun or ended since."""
        is_now = self.from_ms <= now_ms and (self.until_ms is None or now_ms < self.until_ms)
        return self.directory is directory and is_now
