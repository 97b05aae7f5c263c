"""What a recipient can check a released referral with: made from what is left of it, so that it opens nothing else."""

from msgspec.structs import replace

from schemas.commitments import Commitments
from schemas.records.referral import Referral


def proven(released: Referral, commitments: Commitments | None) -> Referral:
    """The referral with its submitter's signature over these fields, where there is one and the submitter is seen."""
    proof = commitments.proof_for(released) if commitments else None
    return replace(released, origin_proof=proof) if proof else released
