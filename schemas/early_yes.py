"""A yes to an Ed25519 signature in half of OpenSSL's time, by libsodium where PyNaCl is installed (ADR 68).

It says yes to nothing that OpenSSL refuses, and its no is no answer: whoever gets one asks OpenSSL, whose word counts.
"""

from collections.abc import Callable
from functools import cache
from typing import Final

Says = Callable[[bytes, bytes, bytes], bool]
"""Of a signature, a raw public key and a message."""

_SIGNATURE_BYTES: Final = 64
_PUBLIC_BYTES: Final = 32
LONGEST: Final = 32_768
"""Bytes of a message: of longer ones OpenSSL's SHA-512 makes up for the rest."""


def never(_signature: bytes, _public: bytes, _message: bytes) -> bool:
    """Where nobody can be asked."""
    return False


def libsodium() -> Says | None:
    """What libsodium accepts; None where PyNaCl is not installed."""
    try:
        from nacl.bindings import crypto_sign_open  # noqa: PLC0415 -- it is not installed everywhere
        from nacl.exceptions import BadSignatureError  # noqa: PLC0415 -- as above
    except ImportError:
        return None

    def says(signature: bytes, public: bytes, message: bytes) -> bool:
        if len(signature) != _SIGNATURE_BYTES or len(public) != _PUBLIC_BYTES:
            return False  # it would read so many bytes, whether or not they are there
        if len(message) > LONGEST:
            return False
        try:
            crypto_sign_open(signature + message, public)
        except BadSignatureError:
            return False
        return True

    return says


def is_strict(says: Says) -> bool:
    """Whether it refuses what holds only once both sides are multiplied by eight, as OpenSSL does.

    RFC 8032 allows either, and PyNaCl may stand on another libsodium than it was released with.
    """
    return not says(TIMES_EIGHT_SIGNATURE, TIMES_EIGHT_PUBLIC, TIMES_EIGHT_MESSAGE)


TIMES_EIGHT_MESSAGE: Final = b"only times eight"
TIMES_EIGHT_PUBLIC: Final = bytes.fromhex("e745bd67d07a9643a58a9b2fd9f9f82b962084a9f64cb520da210b87da8eec7c")
TIMES_EIGHT_SIGNATURE: Final = bytes.fromhex(
    "523bbc6ea387a352a34a69918fb59d92bb03b1b36c3f9f39a4fd9eee7663a1e7"
    "aa359e6165231bb7b395244e033e66e208f14c196062d46f434bf460719b4d0d"
)
"""Made by tests/unit/schemas/test_early_yes.py with a key that nobody uses."""


def says_yes(signature: bytes, public: bytes, message: bytes) -> bool:
    """Whether OpenSSL need not be asked."""
    return chosen()(signature, public, message)


@cache
def chosen() -> Says:
    """Found out before the first signature, because a command that verifies none need not wait for it to load."""
    says = libsodium()
    return says if says and is_strict(says) else never
