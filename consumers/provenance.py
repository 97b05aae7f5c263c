"""Whether a referral says what its submitter signed: checked by whoever reads it, who need not believe the exchange."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.catalogue import message
from schemas.commitments import (
    PERSONAL_STATEMENT,
    STATEMENT,
    Opened,
    opened,
    part_opened,
    proof_in,
    signature_of_proof,
    statement,
)
from schemas.failures import UnreadableRecord
from schemas.records.identifiers import KeyId, MemberId
from schemas.records.proof import OriginProof
from schemas.records.referral import Referral
from schemas.records.values import SealedPart
from schemas.sealing import NOT_SEALED, personal_part
from schemas.signing import is_signed
from tocsin.runtime.keys.directory import Directory, PublicKey, Standing
from tocsin.runtime.keys.files import Use


class Provenance(StrEnum):
    """What the submitter's signature says of a referral."""

    VERIFIED = "verified"
    ALTERED = "altered"
    """Signed by the submitter, and some field is not as it was signed."""
    EXPIRED = "expired"
    """As it was signed, with a key that had ended by then."""
    REVOKED = "revoked"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    """The signature is not over these digests: nothing here is proven."""
    UNSIGNED = "unsigned"
    """No proof came with it: the submitter does not sign, or somebody took it away."""
    HIDDEN = "hidden"
    """The submitter is withheld from this recipient, and a signature would name it."""
    RECALL = "recall"
    """The exchange's own notice; there is nothing of the submitter in it."""
    SEALED = "sealed"
    """Of a personal part alone: it was not opened by who looks."""


class Finding(Struct, frozen=True, kw_only=True):
    """What one reader found, by the key directory that it verified itself."""

    provenance: Provenance
    submitter: MemberId = MemberId("")
    key_id: KeyId = KeyId("")
    signed: tuple[str, ...] = ()
    """Paths of the fields that are what the submitter signed."""
    altered: tuple[str, ...] = ()
    unclaimed: int = 0
    """How many fields were opened for this reader and are not there as they were signed."""
    personal: tuple["Finding", ...] = ()
    """Of each personal part that came with it: signed apart, because not everybody is shown it."""

    @property
    def whole(self) -> tuple["Finding", ...]:
        """What was found of the referral, and of each personal part."""
        return (self, *self.personal)

    @property
    def is_verified(self) -> bool:
        """Whether all that came is what the submitter signed."""
        return all(each.provenance is Provenance.VERIFIED for each in self.whole)

    @property
    def suspicious(self) -> tuple["Finding", ...]:
        """What of it a person should look at before anybody acts on it."""
        return tuple(each for each in self.whole if each.provenance in SUSPICIOUS)

    @property
    def all_altered(self) -> tuple[str, ...]:
        """Paths of all fields that were changed or added, those of persons too."""
        return tuple(path for each in self.whole for path in each.altered)


_BY_STANDING: Final[Mapping[Standing, Provenance]] = {
    Standing.LIVE: Provenance.VERIFIED,
    Standing.EXPIRED: Provenance.EXPIRED,
    Standing.REVOKED: Provenance.REVOKED,
    Standing.NOT_YET: Provenance.UNKNOWN_KEY,
    Standing.UNKNOWN: Provenance.UNKNOWN_KEY,
}
_GOOD: Final = frozenset({Provenance.VERIFIED, Provenance.EXPIRED})
SUSPICIOUS: Final = frozenset({Provenance.ALTERED, Provenance.WRONG, Provenance.REVOKED, Provenance.UNKNOWN_KEY})
"""What a person should look at before anybody acts on it."""


def examined(referral: Referral, directory: Directory) -> Finding:
    """Hold a referral against the signatures that came with it, at the time when the exchange took the report."""
    said = _Said(referral=referral, directory=directory, kind=STATEMENT, held=lambda proof: opened(referral, proof))
    found = said.finding(referral.origin_proof)
    return replace(found, personal=tuple(_of_part(part, referral, directory) for part in referral.sealed))


def _of_part(part: SealedPart, referral: Referral, directory: Directory) -> Finding:
    """What names persons was signed apart; where that cannot be read, nothing in it is proven."""
    try:
        shown, proof = personal_part(part), proof_in(part) if part.key_id == NOT_SEALED else None
    except UnreadableRecord:
        return Finding(provenance=Provenance.WRONG, submitter=referral.submitter)
    if shown is None:
        return Finding(provenance=Provenance.SEALED, submitter=referral.submitter)
    held = partial(part_opened, shown)
    return _Said(referral=referral, directory=directory, kind=PERSONAL_STATEMENT, held=held).finding(proof)


class _Said(Struct, frozen=True, kw_only=True):
    """What a submitter is said to have signed of one referral."""

    referral: Referral
    directory: Directory
    kind: str
    """Of the statement."""
    held: Callable[[OriginProof], Opened]
    """Holds what came against the digests."""

    def finding(self, proof: OriginProof | None) -> Finding:
        """By the proof that came with it, where one did."""
        referral = self.referral
        if proof is None:
            return Finding(provenance=_without_proof(referral), submitter=referral.submitter)
        key = self.directory.find(proof.key_id, referral.submitter, Use.SIGN)
        if key is None:
            return self._unproven(Provenance.UNKNOWN_KEY, proof)
        said = statement(referral.report_id, referral.revision, proof.digests, self.kind)
        if not is_signed(signature_of_proof(proof), key.public, said):
            return self._unproven(Provenance.WRONG, proof)
        return self._held_against(key, self.held(proof))

    def _held_against(self, key: PublicKey, found: Opened) -> Finding:
        standing = _BY_STANDING[key.standing(self.referral.triaged_as_of.epoch_ms)]
        return Finding(
            provenance=Provenance.ALTERED if standing in _GOOD and not found.is_whole else standing,
            submitter=self.referral.submitter,
            key_id=key.key_id,
            signed=found.signed,
            altered=found.altered,
            unclaimed=found.unclaimed,
        )

    def _unproven(self, provenance: Provenance, proof: OriginProof) -> Finding:
        return Finding(provenance=provenance, submitter=self.referral.submitter, key_id=proof.key_id)


def _without_proof(referral: Referral) -> Provenance:
    if referral.withdrawn:
        return Provenance.RECALL
    return Provenance.UNSIGNED if referral.submitter else Provenance.HIDDEN


_MOST_NAMED: Final = 12


def sentence(finding: Finding) -> str:
    """What it means, and what to do; of each personal part as well."""
    return " ".join((_sentence(finding), *map(_sentence_of_part, finding.personal)))


def _sentence_of_part(finding: Finding) -> str:
    if finding.provenance is Provenance.UNSIGNED:
        return message("provenance.personal_unsigned", submitter=finding.submitter)
    return f"Personal part: {_sentence(finding)}"


def _sentence(finding: Finding) -> str:
    named = [*finding.altered[:_MOST_NAMED], *(["..."] if len(finding.altered) > _MOST_NAMED else [])]
    return message(
        f"provenance.{finding.provenance}",
        submitter=finding.submitter or "nobody who is named",
        key_id=finding.key_id,
        signed=len(finding.signed),
        altered=", ".join(named) or "nothing",
        unclaimed=finding.unclaimed,
    )
