"""What a recipient can check a released referral with: made from what is left of it, so that it opens nothing else."""

from msgspec.structs import replace

from schemas.codec import encode
from schemas.commitments import Commitments
from schemas.records.referral import Referral
from schemas.records.values import SealedPart
from schemas.sealing import personal_part


def proven(released: Referral, commitments: Commitments | None) -> Referral:
    """The referral with its submitter's signature over these fields, where there is one and the submitter is seen."""
    proof = commitments.proof_for(released) if commitments else None
    return replace(released, origin_proof=proof) if proof else released


def proven_part(part: SealedPart, released: Referral, commitments: Commitments | None) -> SealedPart:
    """A personal part with the same for its fields, before it is sealed: made from the bytes that are in it."""
    shown = personal_part(part)
    proof = commitments.part_proof_for(released, shown) if commitments and shown else None
    return replace(part, proof=encode(proof)) if proof else part
