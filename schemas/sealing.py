"""Personal parts inside `sealed`: AES-256-GCM under a fresh key each, wrapped with HPKE to who may open it (ADR 0031).

A part under the key id `none` is plain Avro bytes: what a member sends that has not agreed to seal, and what a process
holds in memory once it has opened one.
"""

import secrets
from collections.abc import Iterable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import decode, encode
from schemas.disclosure import Audience
from schemas.failures import Unreadable, UnreadableRecord
from schemas.records.identifiers import KeyId, ReferralId, ReportId
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.values import SealedPart

NOT_SEALED: Final = "none"
MAX_SEALED_BYTES: Final = 65_536
_KEY_BYTES: Final = 32
_NONCE: Final = bytes(12)
"""Always the same: a key seals one part once and is forgotten."""
_NONCE_OF_PROOF: Final = bytes(11) + b"\x01"
"""Another one, because the same key seals what the part is checked with."""
SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_PURPOSE: Final = b"tocsin personal part v1"


class Binding(Struct, frozen=True, kw_only=True, gc=False):
    """What a sealed part belongs to: moved to another record, audience or policy, it does not open."""

    report_id: ReportId
    revision: int
    referral_id: ReferralId | None = None
    """None where a submitter seals for triage."""
    schema_id: int
    audience: str
    policy: str
    """Digest of the bundle that was in force for whoever sealed."""

    def encoded(self) -> bytes:
        """The additional authenticated data: each text behind its length, so that no two bindings encode alike."""
        texts = (
            self.report_id,
            str(self.revision),
            self.referral_id or "",
            str(self.schema_id),
            self.audience,
            self.policy,
        )
        return _PURPOSE + b"".join(len(text.encode()).to_bytes(4, "big") + text.encode() for text in texts)


def binding_in_report(part: SealedPart, report: ReportSubmitted) -> Binding:
    """Of a part that a submitter sealed for triage, by what the report around it says."""
    return Binding(
        report_id=report.report_id,
        revision=report.revision,
        schema_id=part.schema_id,
        audience=part.audience,
        policy=part.policy,
    )


def binding_in_referral(part: SealedPart, referral: Referral) -> Binding:
    """Of a part that triage sealed for a recipient, by what the referral around it says."""
    return Binding(
        report_id=referral.report_id,
        revision=referral.revision,
        referral_id=referral.referral_id,
        schema_id=part.schema_id,
        audience=part.audience,
        policy=referral.policy.bundle,
    )


def unsealed_part(part: PersonalPart, audience: str, schema_id: int, reader: Audience | None = None) -> SealedPart:
    """The part for one audience, readable by whoever gets it; release decides who that is.

    `reader` is the class that the reader belongs to: nothing that its ceiling hides is written.
    """
    return SealedPart(audience=audience, schema_id=schema_id, key_id=NOT_SEALED, ciphertext=encode(part, b"", reader))


def seal(part: SealedPart, binding: Binding, key_id: KeyId, public: bytes) -> SealedPart:
    """A plain part, sealed to the holder of one key; `public` is raw X25519, 32 bytes. Twice is never the same."""
    context, fresh = binding.encoded(), secrets.token_bytes(_KEY_BYTES)
    closing = AESGCM(fresh)
    return replace(
        part,
        key_id=key_id,
        enc=SUITE.encrypt(fresh, X25519PublicKey.from_public_bytes(public), info=context),
        ciphertext=closing.encrypt(_NONCE, part.ciphertext, context),
        proof=closing.encrypt(_NONCE_OF_PROOF, part.proof, context) if part.proof else b"",
    )


def unseal(sealed: SealedPart, binding: Binding, private: X25519PrivateKey) -> SealedPart:
    """The plain part; raises Unreadable where it was changed, or sealed to another key or for another record."""
    context = binding.encoded()
    try:
        opening = AESGCM(SUITE.decrypt(sealed.enc, private, info=context))
        plain = opening.decrypt(_NONCE, sealed.ciphertext, context)
        proof = opening.decrypt(_NONCE_OF_PROOF, sealed.proof, context) if sealed.proof else b""
    except (InvalidTag, ValueError) as error:
        raise Unreadable(
            "A sealed part opens for its audience in its own record, and this one does not: it was changed, or sealed "
            "for something else. Publish the report again.",
            code="sealed.damaged",
        ) from error
    return SealedPart(
        audience=sealed.audience, schema_id=sealed.schema_id, key_id=NOT_SEALED, ciphertext=plain, proof=proof
    )


def is_sealed(parts: Iterable[SealedPart]) -> bool:
    """Whether any of them is sealed."""
    return any(part.key_id != NOT_SEALED for part in parts)


def personal_part(sealed: SealedPart) -> PersonalPart | None:
    """The part inside, or None where it is still sealed."""
    if sealed.key_id != NOT_SEALED:
        return None
    if len(sealed.ciphertext) > MAX_SEALED_BYTES:
        raise UnreadableRecord(
            f"A personal part has at most {MAX_SEALED_BYTES} bytes, found {len(sealed.ciphertext)}. Split the report.",
            code="sealed.too_large",
        )
    return decode(PersonalPart, sealed.ciphertext)
