"""The personal part inside `sealed`, while sealing is not switched on: plain Avro bytes under the key id `none`."""

from typing import Final

from schemas.codec import decode, encode
from schemas.disclosure import Audience
from schemas.failures import UnreadableRecord
from schemas.records.report import PersonalPart
from schemas.records.values import SealedPart

NOT_SEALED: Final = "none"
MAX_SEALED_BYTES: Final = 65_536


def unsealed_part(part: PersonalPart, audience: str, schema_id: int, reader: Audience | None = None) -> SealedPart:
    """The part for one audience, readable by whoever gets it; release decides who that is.

    `reader` is the class that the reader belongs to: nothing that its ceiling hides is written.
    """
    return SealedPart(audience=audience, schema_id=schema_id, key_id=NOT_SEALED, ciphertext=encode(part, b"", reader))


def personal_part(sealed: SealedPart) -> PersonalPart | None:
    """The part inside, or None where a key that we do not hold has sealed it."""
    if sealed.key_id != NOT_SEALED:
        return None
    if len(sealed.ciphertext) > MAX_SEALED_BYTES:
        raise UnreadableRecord(
            f"A personal part has at most {MAX_SEALED_BYTES} bytes, found {len(sealed.ciphertext)}. Split the report.",
            code="sealed.too_large",
        )
    return decode(PersonalPart, sealed.ciphertext)
