"""The end of each last key is told to whoever scrapes the returns worker, and of what is revoked no more."""

from collections.abc import Callable

from processors.expiring import KeyWatch
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
from tocsin.runtime.metrics import REGISTRY

MEMBER = MemberId("expiring-hotline")
NOW_MS = 1_764_000_000_000


def told(use: Use) -> float | None:
    labels = {"use": str(use), "member": MEMBER}
    return REGISTRY.get_sample_value("tocsin_key_expiry_timestamp_seconds", labels)


def a_directory(*uses: Use) -> Directory:
    directory = Directory()
    for seed, use in enumerate(uses):
        directory = changing.admitted(directory, MEMBER, use, bytes([seed]) * 32, NOW_MS)
    return directory


def given(directories: list[Directory]) -> Callable[[], Directory]:
    return lambda: directories[-1]


def test_the_end_of_the_last_key_of_each_use_is_told_and_of_a_revoked_one_no_more() -> None:
    directories = [a_directory(Use.SIGN, Use.SEAL)]
    watch = KeyWatch(given(directories))
    watch(NOW_MS)
    ends = directories[0].keys[0].valid_until_ms / 1000
    assert (told(Use.SIGN), told(Use.SEAL)) == (ends, ends)
    directories.append(changing.replaced(directories[0], MEMBER, Use.SIGN, b"2" * 32, NOW_MS + 5_000))
    watch(NOW_MS)
    assert (told(Use.SIGN), told(Use.SEAL)) == (ends + 5, ends)
    (seal,) = directories[0].of(MEMBER, Use.SEAL)
    directories.append(changing.revoked(directories[-1], seal.key_id, RevocationReason.LEFT, NOW_MS))
    watch(NOW_MS)
    assert (told(Use.SIGN), told(Use.SEAL)) == (ends + 5, None)
    directories.append(Directory())
    watch(NOW_MS)
    assert told(Use.SIGN) is None


def test_a_directory_that_cannot_be_trusted_leaves_what_was_told_and_none_tells_nothing() -> None:
    directories = [a_directory(Use.SEAL)]
    watch = KeyWatch(given(directories))
    watch(NOW_MS)

    def spoiled() -> Directory:
        raise Broken("It went back.", code="keys.directory_older")

    for other in (KeyWatch(spoiled), KeyWatch(None)):
        other(NOW_MS)
        assert told(Use.SEAL) is not None
    directories.append(Directory())
    watch(NOW_MS)
