"""Reports that their submitter has committed to, and the directory that its key is in."""

from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.commitments import committed
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.signing import Signature
from tests.builders.reports import NOON_MS, a_report
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.files import Use

SUBMITTER = MemberId("plat-a")
PRIVATE = Ed25519PrivateKey.from_private_bytes(sha256(b"the key of a test's submitter").digest())
PUBLIC = PRIVATE.public_key().public_bytes_raw()
DIRECTORY = changing.admitted(Directory(), SUBMITTER, Use.SIGN, PUBLIC, NOON_MS - 1)
(KEY,) = DIRECTORY.keys
SEED = sha256(b"the seed of a test").digest()


def sign(message: bytes) -> Signature:
    """As the submitter does."""
    return Signature(key_id=KEY.key_id, value=PRIVATE.sign(message))


def a_committed_report(**changes: Any) -> ReportSubmitted:
    """A report with its commitment, under a seed that is known here."""
    return committed(a_report(**({"submitter": SUBMITTER} | changes)), SEED, sign)
