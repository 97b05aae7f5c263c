"""JSON: the whole referral as released, each instant also in ISO 8601, and the personal part where it can be opened."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from consumers.letters import Document, Letter
from schemas.catalogue import message
from schemas.codec import encode
from schemas.commitments import proof_in
from schemas.records.proof import OriginProof
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart
from schemas.records.values import SealedPart
from schemas.sealing import personal_part

VERSION: Final = 1
_INSTANT: Final = {"epoch_ms", "precision"}


def write(letter: Letter) -> Document:
    """One object a letter: `type` is `referral` or `bundle`."""
    referrals = [referral_object(referral) for referral in letter.referrals]
    content: dict[str, Any] = (
        {"type": "bundle", "bundle_id": letter.key, "referrals": referrals}
        if letter.is_bundle
        else {"type": "referral", "referral": referrals[0]}
    )
    body = msgspec.json.format(
        msgspec.json.encode({"version": VERSION, "advice": message("tiers.advise"), **content}), indent=1
    )
    return Document(suffix=".json", media_type="application/json", body=body + b"\n")


def referral_object(referral: Referral) -> dict[str, Any]:
    """The referral in plain values; sealed parts that nobody here can open stay sealed."""
    values: dict[str, Any] = msgspec.to_builtins(referral)
    opened = [(part, proof_in(sealed)) for sealed in referral.sealed if (part := personal_part(sealed))]
    values["sealed"] = [
        part for part, sealed in zip(values["sealed"], referral.sealed, strict=True) if personal_part(sealed) is None
    ]
    values["personal"] = [msgspec.to_builtins(part) for part, _ in opened]
    values["personal_proofs"] = [msgspec.to_builtins(proof) for _, proof in opened]
    readable: dict[str, Any] = _with_utc(values)
    return readable


def referral_of(written: Any) -> Referral:
    """What `referral_object` wrote, its opened parts too; raises MsgspecError for anything else.

    A part is without its proof where an earlier release wrote it: it is unsigned then.
    """
    referral, opened = msgspec.convert(written, Referral), msgspec.convert(written, _Opened)
    proofs = (*opened.personal_proofs, *(None,) * len(opened.personal))
    parts = (
        SealedPart(audience=referral.recipient, ciphertext=encode(part), proof=encode(proof) if proof else b"")
        for part, proof in zip(opened.personal, proofs, strict=False)
    )
    return msgspec.structs.replace(referral, sealed=(*referral.sealed, *parts))


class _Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What stands beside the fields of a referral."""

    personal: tuple[PersonalPart, ...] = ()
    personal_proofs: tuple[OriginProof | None, ...] = ()


def iso_utc(epoch_ms: int) -> str:
    """An instant as people and other systems write it."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _with_utc(value: Any) -> Any:
    """The same values, each instant with its ISO 8601 form beside the milliseconds."""
    if isinstance(value, list | tuple):
        return [_with_utc(part) for part in value]
    if not isinstance(value, dict):
        return value
    members = {name: _with_utc(part) for name, part in value.items()}
    return members | {"utc": iso_utc(value["epoch_ms"])} if value.keys() >= _INSTANT else members
