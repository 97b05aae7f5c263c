"""What nothing takes back is asked for by one person and granted by another, each with their own key."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.policy.store.promotions import Signature, believed_of
from tocsin.policy.store.trust import NEEDED, TOGETHER, Trust

_KIND: Final = "tocsin.petition.v1"
VALID_MS: Final = 7 * 24 * 3_600_000


class Petition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One act on exactly these subjects, for a reason."""

    act: str
    """As it is typed: `dlq drop`."""
    subjects: tuple[str, ...]
    reason: str
    asked_ms: int
    signatures: tuple[Signature, ...] = ()

    def statement(self) -> bytes:
        """What is signed: everything but the signatures, always the same bytes."""
        said = {name: getattr(self, name) for name in ("act", "subjects", "reason", "asked_ms")}
        return msgspec.json.encode({"kind": _KIND, **said})

    def signed(self, signature: Signature) -> "Petition":
        """With one more name."""
        return replace(self, signatures=(*self.signatures, signature))

    def names(self) -> str:
        """Who signed, for people."""
        return TOGETHER.join(one.signer for one in self.signatures)

    def require_granted(self, act: str, trust: Trust, now_ms: int) -> None:
        """Raise Refused unless it is for that act, young enough, and two people whom the deployment trusts signed."""
        signers = {one.signer for one in self.signatures}
        holds = believed_of(self.signatures, self.statement(), trust) == signers and len(signers) >= NEEDED
        if self.act != act or not holds:
            raise Refused(message("petition.not_granted", act=act), code="petition.not_granted")
        if not 0 <= now_ms - self.asked_ms <= VALID_MS:
            raise Refused(message("petition.old"), code="petition.old")


def read_petition(file: Path) -> Petition:
    """Read it; raises Refused where it is none."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Petition)
    except (OSError, msgspec.MsgspecError) as error:
        raise Refused(message("petition.unreadable", file=file.name), code="petition.unreadable") from error


def write_petition(file: Path, petition: Petition) -> None:
    """Into a new file; raises Refused where there is one."""
    try:
        file.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise Refused(message("petition.exists", file=file.name), code="petition.exists") from error
    file.write_bytes(msgspec.json.format(msgspec.json.encode(petition)) + b"\n")
