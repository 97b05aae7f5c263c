"""Keys of a small exchange in a folder, for tests of what is sealed and opened."""

from pathlib import Path

from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from schemas.sealing import unsealed_part
from schemas.topics import TRIAGE
from tests.builders.reports import NOON_MS
from tocsin.runtime.keys.files import Use
from tocsin.runtime.keys.sealing import Opener, Sealer, sealed_for
from tocsin.runtime.settings import TrustSettings
from tocsin.stack.keys import LocalKeys


class Exchange:
    """Triage and some members, each with its own folder of private keys."""

    def __init__(self, folder: Path, *members: MemberId, now_ms: int = NOON_MS) -> None:
        self.keys = LocalKeys(folder)
        self.keys.provide([TRIAGE, *members], now_ms)
        self._now_ms = now_ms

    def opener(self, principal: MemberId = TRIAGE) -> Opener:
        """What the principal opens with."""
        keeper = self.keys.keeper
        trust = TrustSettings(keys=self.keys.folder(principal), directory=keeper.file, keeper=str(keeper.key))
        return Opener(trust, principal, lambda: self._now_ms)

    def sealer(self) -> Sealer:
        """What anybody seals with."""
        return Sealer(self.keys.keeper.directory)

    def sealed(self, referral: Referral, personal: PersonalPart) -> Referral:
        """A referral with a part sealed to its recipient."""
        key = self.sealer().key_of(referral.recipient, self._now_ms)
        assert key is not None
        return replace(referral, sealed=(sealed_for(referral, unsealed_part(personal, referral.recipient, 8), key),))

    def forget(self, principal: MemberId) -> None:
        """Lose the private half of every key of a principal."""
        private = self.keys.private(principal)
        for key_id in private.names(Use.SEAL):
            private.delete(Use.SEAL, key_id)
