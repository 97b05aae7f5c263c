"""What takes effect when: promotions in a chain, each signed by two people, and proposals that wait for a second."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalogue import message
from schemas.failures import Broken, Refused
from tocsin.policy.store.trust import NEEDED, TOGETHER, Trust

_KIND: Final = "tocsin.policy.promotion.v1"


class Signature(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who put a name to it."""

    signer: str
    signature: str


class Promotion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bundle takes effect at an instant, after another one."""

    digest: str
    takes_effect_ms: int
    after: str
    """Name of the promotion before it, so that none can be taken out of the middle."""
    reason: str = ""
    """Why, as the first of them wrote it; both sign it."""
    signatures: tuple[Signature, ...] = ()

    @property
    def name(self) -> str:
        """Sorts by instant; also the name of its file."""
        return f"{self.takes_effect_ms:015d}-{self.digest}"

    def statement(self) -> bytes:
        """What is signed: everything but the signatures, always the same bytes."""
        said = {"kind": _KIND, "digest": self.digest, "takes_effect_ms": self.takes_effect_ms, "after": self.after}
        return msgspec.json.encode(said | ({"reason": self.reason} if self.reason else {}))

    def names(self) -> str:
        """Who signed, for people."""
        return TOGETHER.join(one.signer for one in self.signatures)

    def signed(self, signature: Signature) -> "Promotion":
        """With one more name."""
        return replace(self, signatures=(*self.signatures, signature))

    def believed(self, trust: Trust) -> frozenset[str]:
        """Whose signatures hold: names that the deployment knows, under this very statement."""
        return believed_of(self.signatures, self.statement(), trust)

    def is_in_order(self, trust: Trust) -> bool:
        """Whether enough people signed, and nobody else's name stands there."""
        names = {one.signer for one in self.signatures}
        return len(names) >= NEEDED and self.believed(trust) == names


DECODER: Final = msgspec.json.Decoder(Promotion)
"""Made before there are threads (schemas/learning.py)."""


def believed_of(signatures: Iterable[Signature], statement: bytes, trust: Trust) -> frozenset[str]:
    """Whose signatures hold under a statement: names that the deployment knows."""
    return frozenset(
        one.signer
        for one in signatures
        if one.signer in trust.signer and trust.signer[one.signer].verifies(one.signature, statement)
    )


def first_of(trust: Trust) -> Promotion:
    """The bundle that the deployment began with: it needs no signature, the deployment itself names it."""
    return Promotion(digest=trust.first, takes_effect_ms=0, after="")


def chain_of(found: Iterable[Promotion], trust: Trust) -> tuple[Promotion, ...]:
    """All promotions from the first on; raises Broken where a signature or the chain does not hold."""
    chain = [first_of(trust)]
    for promotion in sorted(found, key=lambda one: one.name):
        if not promotion.is_in_order(trust):
            raise _tampered(promotion, "signatures of two people whom the deployment trusts")
        if promotion.after != chain[-1].name or promotion.takes_effect_ms <= chain[-1].takes_effect_ms:
            raise _tampered(promotion, f"that it comes after {chain[-1].name[:32]}")
        chain.append(promotion)
    return tuple(chain)


def gone_from(chain: Sequence[Promotion], seen: Mapping[str, bytes], trust: Trust) -> tuple[str, ...]:
    """Names of promotions that were seen once, two people of this deployment signed, and the chain has no more.

    What others signed is another store's; it says nothing of this one.
    """
    here = {one.name for one in chain}
    missed = (_read(said) for name, said in sorted(seen.items()) if name not in here)
    return tuple(one.name for one in missed if one is not None and one.is_in_order(trust))


def _read(said: bytes) -> Promotion | None:
    try:
        return DECODER.decode(said)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


def digest_at(chain: Sequence[Promotion], at_ms: int) -> str:
    """The bundle in force at an instant; a bundle holds from its instant on, that instant included."""
    return next(one.digest for one in reversed(chain) if one.takes_effect_ms <= max(at_ms, 0))


def refuse_unfit(proposed: Promotion, chain: Sequence[Promotion], trust: Trust, now_ms: int) -> None:
    """Raises Refused for an instant that is past, too near, or not after the last one; or for a bundle that is last."""
    lead_ms = proposed.takes_effect_ms - now_ms
    if lead_ms < trust.least_lead_seconds * 1000:
        facts = {"least": trust.least_lead_seconds, "found": f"{lead_ms / 1000:.0f}"}
        raise Refused(message("promotion.too_near", **facts), code="promotion.too_near")
    if proposed.takes_effect_ms <= chain[-1].takes_effect_ms:
        raise Refused(message("promotion.not_after", last=chain[-1].name[:32]), code="promotion.not_after")
    if proposed.after != chain[-1].name:
        raise Refused(message("promotion.overtaken", last=chain[-1].name[:32]), code="promotion.overtaken")
    if proposed.digest == chain[-1].digest:
        raise Refused(message("promotion.no_change", digest=proposed.digest[:16]), code="promotion.no_change")


def _tampered(promotion: Promotion, expected: str) -> Broken:
    return Broken(message("promotion.tampered", name=promotion.name[:32], expected=expected), code="promotion.tampered")
