"""Reports that their submitter has committed to, and the directory that its key is in."""

from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from processors.steps.release.proofs import proven_part
from schemas.commitments import Commitments, committed, part_committed
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.sealing import unsealed_part
from schemas.signing import Signature
from tests.builders.reports import NOON_MS, a_personal_part, a_report
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.files import Use

SUBMITTER = MemberId("plat-a")
PRIVATE = Ed25519PrivateKey.from_private_bytes(sha256(b"the key of a test's submitter").digest())
PUBLIC = PRIVATE.public_key().public_bytes_raw()
DIRECTORY = changing.admitted(Directory(), SUBMITTER, Use.SIGN, PUBLIC, NOON_MS - 1)
(KEY,) = DIRECTORY.keys
SEED = sha256(b"the seed of a test").digest()
PERSONAL_SEED = sha256(b"the seed of what names persons").digest()


def sign(message: bytes) -> Signature:
    """As the submitter does."""
    return Signature(key_id=KEY.key_id, value=PRIVATE.sign(message))


def a_committed_report(**changes: Any) -> ReportSubmitted:
    """A report with its commitment, under a seed that is known here."""
    return committed(a_report(**({"submitter": SUBMITTER} | changes)), SEED, sign)


def a_report_on(personal: PersonalPart | None = None, **changes: Any) -> ReportSubmitted:
    """The same with a personal part, which is committed to under a seed of its own."""
    sealed = (unsealed_part(personal or a_personal_part(), "lea", 8),)
    report = a_report(**({"submitter": SUBMITTER, "sealed": sealed} | changes))
    return committed(part_committed(report, PERSONAL_SEED, sign), SEED, sign)


def with_part(referral: Referral, report: ReportSubmitted, shown: PersonalPart) -> Referral:
    """A referral with what its recipient is shown of persons, as triage writes it before it is sealed."""
    part = unsealed_part(shown, referral.recipient, 8)
    return replace(referral, sealed=(proven_part(part, referral, Commitments(submitted=report)),))
