"""Who may read a personal part: it is sealed to the newest good key of its audience, and opened with one's own keys."""

from collections.abc import Callable
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec.structs import replace

from schemas.catalogue import message
from schemas.failures import Refused, Unreadable
from schemas.records.identifiers import KeyId, MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from schemas.records.values import SealedPart
from schemas.sealing import NOT_SEALED, Binding, binding_in_referral, binding_in_report, seal, unseal
from schemas.topics import TRIAGE
from tocsin.runtime.keys.directory import Directory, PublicKey, Standing
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.settings import TrustSettings


class Unsealable(Refused):
    """A personal part for which there is no key to seal to: it is not written down either."""


def unsealable(report: ReportSubmitted, _: int) -> ReportSubmitted:
    """What stands for a sealer where the settings name no directory: a report without a personal part needs none."""
    if report.sealed:
        raise Unsealable(message("sealed.no_directory"), code="sealed.no_directory")
    return report


def sealing_key(directory: Directory, audience: MemberId, at_ms: int) -> PublicKey | None:
    """The newest key of an audience that has not ended and is not revoked, for whatever reason; None without one.

    A key that is to be good from later on is one already: its holder made it, and can open with it.
    """
    own = (key for key in directory.keys if (key.principal, key.use) == (audience, Use.SEAL))
    good = (key for key in own if key.revoked_ms is None and at_ms < key.valid_until_ms)
    return max(good, key=lambda key: (key.valid_from_ms, key.key_id), default=None)


class Sealer:
    """Seals to others; built once per process, and follows the directory."""

    def __init__(self, directory: Callable[[], Directory]) -> None:
        self._directory = directory

    @classmethod
    def of(cls, trust: TrustSettings | None) -> Self | None:
        """None where the settings name no keys: nothing is sealed then."""
        directory = directory_of(trust)
        return cls(directory) if directory else None

    def key_of(self, audience: MemberId, at_ms: int) -> PublicKey | None:
        """The key to seal to, or None where there is none."""
        return sealing_key(self._directory(), audience, at_ms)

    def report(self, report: ReportSubmitted, policy: str, at_ms: int) -> ReportSubmitted:
        """A report whose personal part only triage can read; raises Unsealable where triage has no key."""
        if not report.sealed:
            return report
        key = self.key_of(TRIAGE, at_ms)
        if key is None:
            raise Unsealable(message("sealed.no_triage_key"), code="sealed.no_triage_key")
        marked = (replace(part, audience=TRIAGE, policy=policy) for part in report.sealed)
        sealed = (seal(part, binding_in_report(part, report), key.key_id, key.public) for part in marked)
        return replace(report, sealed=tuple(sealed))


def sealed_for(referral: Referral, part: SealedPart, key: PublicKey) -> SealedPart:
    """The personal part of a referral, which only its recipient can read."""
    return seal(part, binding_in_referral(part, referral), key.key_id, key.public)


class Opener:
    """Opens what is sealed to one principal; built once per process, and each private key is loaded once."""

    def __init__(self, trust: TrustSettings, principal: MemberId, now_ms: Callable[[], int]) -> None:
        directory = directory_of(trust)
        assert directory is not None  # noqa: S101 -- there is trust
        self._directory = directory
        self._keys = KeyFolder(trust.keys)
        self._principal = principal
        self._now_ms = now_ms
        self._loaded: dict[KeyId, X25519PrivateKey] = {}

    @classmethod
    def of(cls, trust: TrustSettings | None, principal: MemberId, now_ms: Callable[[], int]) -> Self | None:
        """None where the settings name no keys: nothing can be opened then."""
        return cls(trust, principal, now_ms) if trust else None

    @classmethod
    def beside_triage(cls, trust: TrustSettings | None, now_ms: Callable[[], int]) -> Self | None:
        """Of a process that decides again what triage decided; None where it is not given triage's keys."""
        if trust is None or trust.triage_keys is None:
            return None
        return cls(replace(trust, keys=trust.triage_keys), TRIAGE, now_ms)

    def report(self, report: ReportSubmitted, at_ms: int) -> ReportSubmitted:
        """A report that the broker took at that instant, with its parts opened; raises Unreadable where one stays shut.

        Raises Broken where a key that is good is not in the folder, or others can read it.
        """
        for part in report.sealed:
            if part.key_id != NOT_SEALED:
                self._require_standing(KeyId(part.key_id), at_ms)
        return replace(
            report, sealed=tuple(self._opened(part, binding_in_report(part, report)) for part in report.sealed)
        )

    def referral(self, referral: Referral) -> Referral:
        """A referral with its parts opened, as its recipient reads it, whatever became of its key; raises alike."""
        opened = (self._opened(part, binding_in_referral(part, referral)) for part in referral.sealed)
        return replace(referral, sealed=tuple(opened)) if referral.sealed else referral

    def _require_standing(self, key_id: KeyId, at_ms: int) -> None:
        """A key that has ended still opens; what was sealed to a revoked one, its sender should have known of."""
        key = self._directory().find(key_id, self._principal, Use.SEAL)
        if key is None:
            raise _shut("sealed.unknown_key")
        if key.revoked_ms is not None and at_ms >= key.revoked_ms:
            raise _shut("sealed.revoked_key")

    def _opened(self, part: SealedPart, binding: Binding) -> SealedPart:
        if part.key_id == NOT_SEALED:
            return part
        if part.audience != self._principal:
            raise _shut("sealed.other_audience")
        return unseal(part, binding, self._private(KeyId(part.key_id)))

    def _private(self, key_id: KeyId) -> X25519PrivateKey:
        """An ended key may be gone, so that what was sealed to it stays shut; a good one that is gone halts."""
        if key_id not in self._loaded:
            standing = self._directory().standing(key_id, self._principal, Use.SEAL, self._now_ms())
            if key_id not in self._keys.names(Use.SEAL) and standing is not Standing.LIVE:
                raise _shut("sealed.key_gone")
            self._loaded[key_id] = self._keys.sealing(key_id)
        return self._loaded[key_id]


def _shut(code: str) -> Unreadable:
    return Unreadable(message(code), code=code)
