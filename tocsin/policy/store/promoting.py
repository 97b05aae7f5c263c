"""From a bundle that somebody wrote to one that takes effect: one person proposes, another one signs."""

from pathlib import Path
from typing import Protocol, Self, TypeVar

from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.policy.bundle import Bundle
from tocsin.policy.store.folder import Store
from tocsin.policy.store.promotions import Promotion, Signature, refuse_unfit
from tocsin.policy.store.trust import NEEDED, Trust, sign


class Signable(Protocol):
    """What people put their names to."""

    @property
    def signatures(self) -> tuple[Signature, ...]:
        """Who has."""

    def statement(self) -> bytes:
        """What is signed."""

    def signed(self, signature: Signature) -> Self:
        """With one more name."""


T = TypeVar("T", bound=Signable)


class Pen(Struct, frozen=True, kw_only=True):
    """Who signs, and with which private key."""

    signer: str
    key: Path

    def signed(self, promotion: T, trust: Trust) -> T:
        """With this person's name; raises Refused for a stranger, another's key, or the same person twice."""
        if any(one.signer == self.signer for one in promotion.signatures):
            raise Refused(message("promotion.same_signer", signer=self.signer), code="promotion.same_signer")
        signature, public_key = sign(self.key, promotion.statement())
        known = trust.signer.get(self.signer)
        if known is None or known.public_key != public_key:
            raise Refused(message("promotion.unknown_signer", signer=self.signer), code="promotion.unknown_signer")
        return promotion.signed(Signature(signer=self.signer, signature=signature))


class Promoting(Struct, frozen=True, kw_only=True):
    """Changes one store, as of one instant."""

    store: Store
    trust: Trust
    now_ms: int

    def weigh(self, bundle: Bundle, takes_effect_ms: int, reason: str = "") -> Promotion:
        """What would be proposed, unsigned, and nothing is kept; raises Refused where it cannot be."""
        chain = self.store.chain(self.trust)
        proposal = Promotion(digest=bundle.digest, takes_effect_ms=takes_effect_ms, after=chain[-1].name, reason=reason)
        refuse_unfit(proposal, chain, self.trust, self.now_ms)
        return proposal

    def propose(self, source: Path, takes_effect_ms: int, pen: Pen, reason: str = "") -> Promotion:
        """The first signature, which counts for nothing alone; raises Refused, or Broken as `load` does."""
        bundle = self.store.add(source)
        return self._kept(self._joined(self.weigh(bundle, takes_effect_ms, reason), pen))

    def sign(self, digest: str, pen: Pen) -> Promotion:
        """One more signature under what waits; with the second one it is promoted."""
        proposal = self.store.proposal(digest)
        self.store.bundle(proposal.digest)  # what is signed now is what was proposed
        refuse_unfit(proposal, self.store.chain(self.trust), self.trust, self.now_ms)
        return self._kept(pen.signed(proposal, self.trust))

    def _joined(self, proposal: Promotion, pen: Pen) -> Promotion:
        """Whoever proposes what waits already, for the same reason, signs it."""
        waiting = next((one for one in self.store.proposals() if one.name == proposal.name), proposal)
        if (waiting.after, waiting.reason) != (proposal.after, proposal.reason):
            waiting = proposal
        return pen.signed(waiting, self.trust)

    def _kept(self, promotion: Promotion) -> Promotion:
        if len(promotion.believed(self.trust)) >= NEEDED and promotion.is_in_order(self.trust):
            self.store.promote(promotion)
        else:
            self.store.propose(promotion)
        return promotion
