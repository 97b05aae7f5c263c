"""The scheme that wraps keys is HPKE of RFC 9180: its published vectors come out, by the suite that seals and opens.

The library's one-shot interface takes no additional data beside `info`, and the vectors of single messages have some:
a message of the vector's own key and nonce is opened: both follow from the private key, `enc` and `info` alone, so it
opens only where key agreement and key schedule are those of the RFC.
"""

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from msgspec import Struct

from schemas.sealing import SUITE

INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
PLAIN = bytes.fromhex("4265617574792069732074727574682c20747275746820626561757479")
FIRST = b"Count-0"
"""The additional data of the first message."""


class Vector(Struct, frozen=True, kw_only=True):
    """Base mode, hexadecimal; the names are those of the RFC."""

    suite: Suite
    skRm: str  # noqa: N815 -- the name that the RFC gives it
    pkRm: str  # noqa: N815 -- as above
    enc: str
    key: str
    base_nonce: str
    ct: str


RFC_A_1_1 = Vector(
    suite=Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM),
    skRm="4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8",
    pkRm="3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d",
    enc="37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431",
    key="4531685d41d65f03dc48f6b8302c05b0",
    base_nonce="56d890e5accaaf011cff4b7d",
    ct="f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a",
)
"""RFC 9180, appendix A.1.1: the same key agreement and key schedule, with the shorter cipher."""
OURS = Vector(
    suite=SUITE,
    skRm="497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d",
    pkRm="430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c",
    enc="6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256",
    key="f50b0609186798729ed0564b36ef2ef8044f1f9d05636874d1f46c819c7a669f",
    base_nonce="151d9929e2449747889bc923",
    ct="e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a",
)
"""The suite that we use (mode 0, kem_id 32, kdf_id 1, aead_id 2): from the vectors that the RFC's editors published."""


@pytest.mark.parametrize("vector", [RFC_A_1_1, OURS], ids=["RFC 9180 A.1.1", "X25519, HKDF-SHA256, AES-256-GCM"])
def test_a_message_under_the_published_key_and_nonce_opens_with_the_published_private_key(vector: Vector) -> None:
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(vector.skRm))
    assert private.public_key().public_bytes_raw().hex() == vector.pkRm
    key, nonce, enc = (bytes.fromhex(each) for each in (vector.key, vector.base_nonce, vector.enc))
    assert AESGCM(key).encrypt(nonce, PLAIN, FIRST).hex() == vector.ct, "the vector is copied whole"
    message = enc + AESGCM(key).encrypt(nonce, PLAIN, b"")
    assert vector.suite.decrypt(message, private, info=INFO) == PLAIN
    with pytest.raises(InvalidTag):
        vector.suite.decrypt(message, private, info=INFO + b"!")


def test_what_the_suite_seals_has_the_form_of_the_vectors() -> None:
    private = X25519PrivateKey.from_private_bytes(bytes.fromhex(OURS.skRm))
    message = SUITE.encrypt(PLAIN, private.public_key(), info=INFO)
    assert len(message) == len(bytes.fromhex(OURS.enc + OURS.ct))
    assert SUITE.decrypt(message, private, info=INFO) == PLAIN
