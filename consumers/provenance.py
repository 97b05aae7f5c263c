"""Whether a referral says what its submitter signed: checked by whoever reads it, who need not believe the exchange."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.catalogue import message
from schemas.commitments import opened, signature_of_proof, statement
from schemas.records.identifiers import KeyId, MemberId
from schemas.records.referral import Referral
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
    """Hold a referral against the signature that came with it, at the time when the exchange took the report."""
    proof = referral.origin_proof
    if proof is None:
        return Finding(provenance=_without_proof(referral), submitter=referral.submitter)
    key = directory.find(proof.key_id, referral.submitter, Use.SIGN)
    if key is None:
        return _finding(referral, Provenance.UNKNOWN_KEY)
    said = statement(referral.report_id, referral.revision, proof.digests)
    if not is_signed(signature_of_proof(proof), key.public, said):
        return _finding(referral, Provenance.WRONG)
    return _held_against(referral, key)


def _held_against(referral: Referral, key: PublicKey) -> Finding:
    assert referral.origin_proof is not None  # noqa: S101 -- its signature was verified
    found = opened(referral, referral.origin_proof)
    standing = _BY_STANDING[key.standing(referral.triaged_as_of.epoch_ms)]
    return Finding(
        provenance=Provenance.ALTERED if standing in _GOOD and not found.is_whole else standing,
        submitter=referral.submitter,
        key_id=key.key_id,
        signed=found.signed,
        altered=found.altered,
        unclaimed=found.unclaimed,
    )


def _without_proof(referral: Referral) -> Provenance:
    if referral.withdrawn:
        return Provenance.RECALL
    return Provenance.UNSIGNED if referral.submitter else Provenance.HIDDEN


def _finding(referral: Referral, provenance: Provenance) -> Finding:
    assert referral.origin_proof is not None  # noqa: S101 -- called for nothing else
    return Finding(provenance=provenance, submitter=referral.submitter, key_id=referral.origin_proof.key_id)


_MOST_NAMED: Final = 12


def sentence(finding: Finding) -> str:
    """What it means, and what to do."""
    named = [*finding.altered[:_MOST_NAMED], *(["..."] if len(finding.altered) > _MOST_NAMED else [])]
    return message(
        f"provenance.{finding.provenance}",
        submitter=finding.submitter or "nobody who is named",
        key_id=finding.key_id,
        signed=len(finding.signed),
        altered=", ".join(named) or "nothing",
        unclaimed=finding.unclaimed,
    )
