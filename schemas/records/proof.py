"""What lets a recipient check the submitter's word without believing the exchange: Commitment, OriginProof."""

from msgspec import Struct

from schemas.records.identifiers import KeyId


class Commitment(Struct, frozen=True, kw_only=True, gc=False):
    """What a submitter adds to its report: a secret, and its signature over the digests that follow from it."""

    seed: bytes = b""
    """32 random bytes, new for each revision; whoever has them can test guesses at what is withheld."""
    key_id: KeyId = KeyId("")
    signature: bytes = b""


class OriginProof(Struct, frozen=True, kw_only=True, gc=False):
    """What a recipient gets of it: all digests, as they were signed, and what opens those of released fields."""

    key_id: KeyId = KeyId("")
    signature: bytes = b""
    digests: bytes = b""
    """32 bytes each, sorted."""
    salts: bytes = b""
    """16 bytes each, in the order of the fields that are there."""
