"""Commitments: a submitter signs one salted digest a field, so that a reader checks what it sees and learns no more.

The salts follow from a seed that only submitter and triage have; triage hands on those of the released fields (ADR
0032). A personal part has digests, a seed and a signature of its own, which travel inside it alone (ADR 0067).
"""

import re
from collections.abc import Callable, Iterator
from functools import cached_property
from hashlib import blake2b, sha256
from itertools import islice
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import decode, encode
from schemas.committed_fields import Field, fields_of_part, fields_of_referral, fields_of_report
from schemas.definitions import NAMESPACE
from schemas.failures import UnreadableRecord
from schemas.records.identifiers import KeyId, ReportId
from schemas.records.proof import Commitment, OriginProof
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.values import SealedPart
from schemas.sealing import NOT_SEALED, personal_part
from schemas.signing import Signature, pre_authentication_encoding
from schemas.writing import Write

SEED_BYTES: Final = 32
SALT_BYTES: Final = 16
DIGEST_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
STATEMENT: Final = f"{NAMESPACE}.Commitment.v1"
"""What is signed is of this type, so that no signature over a record can be taken for one over a statement."""
PERSONAL_STATEMENT: Final = f"{NAMESPACE}.PersonalCommitment.v1"
"""What is signed of a personal part: neither can be taken for the other."""
MOST_FIELDS: Final = 2_048
"""A report with more has no commitment: its referral would outgrow its topic."""
_LONGEST_KEY_ID: Final = 64
_ROUND: Final = 8
"""Digests are filled up to a multiple of it, so that their number does not tell how many fields are withheld."""
_LEAST_OF_A_PART: Final = 16
"""Those of a personal part are filled up to a power of two from here on: how long it is, everybody sees."""
_PART_PROOF_BYTES: Final = 116
"""Seed, key id of 16 digits and signature, each behind its length: to the last byte."""
_KEY_ID: Final = re.compile("[0-9a-f]{16}")
Sign = Callable[[bytes], Signature]
"""Signs a statement, pre-authentication encoded."""
Made = tuple[bytes, dict[str, bytes]]
"""All digests, sorted, and the salts by path; nothing where there are too many fields."""
Part = tuple[SealedPart, PersonalPart]
"""An open part, and what is in it."""


class Opened(Struct, frozen=True, kw_only=True, gc=False):
    """A referral held against the digests that come with it."""

    signed: tuple[str, ...] = ()
    altered: tuple[str, ...] = ()
    """Fields that hold something else than what was signed, or to which nothing was signed."""
    unclaimed: int = 0
    """How many fields were opened for the recipient and are not there as they were signed."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing was changed, added or taken away since."""
        return not self.altered and not self.unclaimed


class Commitments(Struct, frozen=True, kw_only=True, dict=True):
    """What one report commits to, as it was sent; worked out when the first referral of it is made."""

    submitted: ReportSubmitted

    def proof_for(self, released: Referral) -> OriginProof | None:
        """What its recipient can check with: nothing where the submitter is withheld, because the key names it."""
        commitment = self.submitted.commitment
        if commitment is None or not released.submitter or not self._digests:
            return None
        salts = (self._salts.get(path, b"") for path, _, _ in fields_of_referral(released))
        return replace(_proof(commitment, self._digests), salts=b"".join(salts))

    def part_proof_for(self, released: Referral, shown: PersonalPart) -> OriginProof | None:
        """The same for the part that it is shown of what names persons: nothing where none of that was signed."""
        if self._of_part is None or not released.submitter:
            return None
        digests, _ = self._made_of_part
        salts = _opening(fields_of_part(shown), self._made_of_part)
        filled = salts.ljust(len(digests) // DIGEST_BYTES * SALT_BYTES, b"\x00")
        return replace(_proof(self._of_part, digests), salts=filled) if salts else None

    @cached_property
    def _made(self) -> Made:
        commitment = self.submitted.commitment
        return _made(fields_of_report(self.submitted), commitment.seed, _next_round) if commitment else (b"", {})

    @cached_property
    def _part(self) -> Part | None:
        return _open_part(self.submitted)

    @cached_property
    def _of_part(self) -> Commitment | None:
        return commitment_in(self._part[0]) if self._part else None

    @cached_property
    def _made_of_part(self) -> Made:
        if self._part is None or self._of_part is None:
            return b"", {}
        return _made(fields_of_part(self._part[1]), self._of_part.seed, _next_power)

    @property
    def _digests(self) -> bytes:
        return self._made[0]

    @property
    def _salts(self) -> dict[str, bytes]:
        return self._made[1]


def committed(report: ReportSubmitted, seed: bytes, sign: Sign) -> ReportSubmitted:
    """The report with its commitment; as it was where it has too many fields."""
    digests, _ = _made(fields_of_report(report), seed, _next_round)
    if not digests:
        return report
    return replace(report, commitment=_commitment(report, seed, digests, sign))


def part_committed(report: ReportSubmitted, seed: bytes, sign: Sign) -> ReportSubmitted:
    """The report with a commitment inside its personal part, before that is sealed; as it was where it has none.

    The seed is another than the report's: who reads that one could test guesses at an address.
    """
    found = _open_part(report)
    digests, _ = _made(fields_of_part(found[1]), seed, _next_power) if found else (b"", {})
    if found is None or not digests:
        return report
    proven = replace(found[0], proof=encode(_commitment(report, seed, digests, sign, PERSONAL_STATEMENT)))
    return replace(report, sealed=tuple(proven if each is found[0] else each for each in report.sealed))


def is_sound(commitment: Commitment) -> bool:
    """Whether it has its shape, so that nothing else can travel in it."""
    return (
        len(commitment.seed) == SEED_BYTES
        and len(commitment.signature) == SIGNATURE_BYTES
        and 0 < len(commitment.key_id) <= _LONGEST_KEY_ID
    )


def is_sound_part(part: SealedPart) -> bool:
    """Whether what an opened part is checked with is nothing, or a commitment to the last byte."""
    return not part.proof or part.key_id != NOT_SEALED or commitment_in(part) is not None


def commitment_in(part: SealedPart) -> Commitment | None:
    """What a submitter put into an opened part; None where that is not a commitment of the exact size."""
    if len(part.proof) != _PART_PROOF_BYTES:
        return None
    try:
        found = decode(Commitment, part.proof)
    except UnreadableRecord:
        return None
    return found if is_sound(found) and _KEY_ID.fullmatch(found.key_id) else None


def proof_in(part: SealedPart) -> OriginProof | None:
    """What triage put into an opened part; raises UnreadableRecord where that is something else."""
    return decode(OriginProof, part.proof) if part.proof else None


def statement(report_id: ReportId, revision: int, digests: bytes, kind: str = STATEMENT) -> bytes:
    """What the submitter signs."""
    said = f"{report_id} {revision} {sha256(digests).hexdigest()}"
    return pre_authentication_encoding(kind, said.encode())


def signature_of_proof(proof: OriginProof) -> Signature:
    """Who says that it signed."""
    return Signature(key_id=KeyId(proof.key_id), value=proof.signature)


def opened(referral: Referral, proof: OriginProof) -> Opened:
    """Which fields of a referral are what was signed; nothing is proven before the signature is verified."""
    return _opened(fields_of_referral(referral), proof)


def part_opened(shown: PersonalPart, proof: OriginProof) -> Opened:
    """Which fields of a personal part are what was signed; as above."""
    return _opened(fields_of_part(shown), proof)


def _opened(fields: Iterator[Field], proof: OriginProof) -> Opened:
    """One field more than anybody signs is looked at, so that it is found to be too many."""
    digests = frozenset(_parts(proof.digests, DIGEST_BYTES))
    left = [salt for salt in _parts(proof.salts, SALT_BYTES) if salt != _NO_SALT]
    signed: list[str] = []
    altered: list[str] = []
    for path, write, value in islice(fields, MOST_FIELDS + 1):
        said = _said(path, write, value)
        salt = next((salt for salt in left if sha256(salt + said).digest() in digests), None)
        (altered if salt is None else signed).append(path)
        if salt is not None:
            left.remove(salt)
    return Opened(signed=tuple(signed), altered=tuple(altered), unclaimed=len(left))


_NO_SALT: Final = bytes(SALT_BYTES)
"""Fills up, and opens nothing."""


def _made(fields: Iterator[Field], seed: bytes, filled: Callable[[int], int]) -> Made:
    """`filled` says to how many digests a number of them is filled up."""
    salts: dict[str, bytes] = {}
    digests: list[bytes] = []
    for path, write, value in islice(fields, MOST_FIELDS + 1):
        salts[path] = salt = _salt(seed, path)
        digests.append(sha256(salt + _said(path, write, value)).digest())
    if len(digests) > MOST_FIELDS:
        return b"", {}
    digests += (sha256(_salt(seed, f"#{n}")).digest() for n in range(filled(len(digests)) - len(digests)))
    return b"".join(sorted(digests)), salts


def _next_round(count: int) -> int:
    return count + -count % _ROUND


def _next_power(count: int) -> int:
    return max(_LEAST_OF_A_PART, 1 << (count - 1).bit_length())


def _salt(seed: bytes, path: str) -> bytes:
    return blake2b(path.encode(), key=seed, digest_size=SALT_BYTES).digest()


def _said(path: str, write: Write, value: Any) -> bytes:
    """Path and value without doubt; Avro writes a value in one way only, but for the order of a map."""
    parts = [path.encode(), b"\x00"]
    write(dict(sorted(value.items())) if value.__class__ is dict else value, parts.append)
    return b"".join(parts)


def _parts(joined: bytes, size: int) -> Iterator[bytes]:
    return (joined[start : start + size] for start in range(0, min(len(joined), MOST_FIELDS * 2 * size), size))


def _commitment(report: ReportSubmitted, seed: bytes, digests: bytes, sign: Sign, kind: str = STATEMENT) -> Commitment:
    signature = sign(statement(report.report_id, report.revision, digests, kind))
    return Commitment(seed=seed, key_id=signature.key_id, signature=signature.value)


def _proof(commitment: Commitment, digests: bytes) -> OriginProof:
    return OriginProof(key_id=commitment.key_id, signature=commitment.signature, digests=digests)


def _opening(fields: Iterator[Field], made: Made) -> bytes:
    """The salts of what is still as it was signed: one of a field that the firewall emptied in part opens a guess."""
    digests, salts = frozenset(_parts(made[0], DIGEST_BYTES)), made[1]
    found = ((salts.get(path, _NO_SALT), _said(path, write, value)) for path, write, value in fields)
    return b"".join(salt for salt, said in found if sha256(salt + said).digest() in digests)


def _open_part(report: ReportSubmitted) -> Part | None:
    """The first part that can be read, as triage takes it."""
    for part in report.sealed:
        try:
            personal = personal_part(part)
        except UnreadableRecord:
            continue
        if personal is not None:
            return part, personal
    return None
