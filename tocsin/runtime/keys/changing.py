"""How the directory changes: a key is admitted with a proof of possession, replaced, or revoked; pure."""

from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from schemas.failures import Refused
from schemas.records.identifiers import KeyId, MemberId
from schemas.topics import LONGEST_MS
from tocsin.runtime.keys.directory import MOST_LIVE_KEYS, Directory, PublicKey, RevocationReason, Standing
from tocsin.runtime.keys.files import Use

DAY_MS: Final = 86_400_000
VALID_DAYS: Final = 180
OVERLAP_DAYS: Final = 30
"""How long the key that was replaced is still good: records under way were signed with it or sealed to it."""

Change = Callable[[Directory, MemberId, Use, bytes, int], Directory]
"""How a key comes in: beside the one before, or in its place."""


def admitted(directory: Directory, principal: MemberId, use: Use, public: bytes, now_ms: int) -> Directory:
    """The directory with one more key; refused where two are live or the key is known already."""
    key = PublicKey(
        principal=principal,
        use=use,
        public=public,
        valid_from_ms=now_ms,
        valid_until_ms=now_ms + VALID_DAYS * DAY_MS,
    )
    if key.key_id in directory.by_id:
        raise Refused(f"The key {key.key_id} is in the directory already. Make a new one.", code="keys.known")
    live = directory.live(principal, use, now_ms)
    if len(live) >= MOST_LIVE_KEYS:
        raise Refused(
            f"A member has at most {MOST_LIVE_KEYS} live keys for one use, found {len(live)}. "
            f"Revoke one first: tocsin keys revoke {live[0].key_id}",
            code="keys.too_many",
        )
    return Directory(number=directory.number + 1, keys=(*directory.keys, key))


def replaced(directory: Directory, principal: MemberId, use: Use, public: bytes, now_ms: int) -> Directory:
    """The directory with a new key, and an early end for the one before, so that both are good for a while."""
    before = directory.live(principal, use, now_ms)
    grown = admitted(directory, principal, use, public, now_ms)
    ends_ms = now_ms + OVERLAP_DAYS * DAY_MS
    shorter = {key.key_id: replace(key, valid_until_ms=min(key.valid_until_ms, ends_ms)) for key in before}
    return replace(grown, keys=tuple(shorter.get(key.key_id, key) for key in grown.keys))


def outlived(directory: Directory, principal: MemberId, now_ms: int) -> tuple[PublicKey, ...]:
    """Sealing keys of a principal that are not needed any more: everything sealed to them is gone from the topics."""
    return tuple(key for key in directory.of(principal, Use.SEAL) if ended_ms(key) + LONGEST_MS <= now_ms)


def ended_ms(key: PublicKey) -> int:
    """From when on nobody seals to it."""
    return min(key.valid_until_ms, key.revoked_ms or key.valid_until_ms)


def revoked(directory: Directory, key_id: KeyId, reason: RevocationReason, now_ms: int) -> Directory:
    """The directory in which a key is not believed any more; a revocation is never taken back."""
    key = directory.by_id.get(key_id)
    if key is None:
        raise Refused(f"The directory has no key {key_id}. See: tocsin keys list", code="keys.unknown")
    if key.standing(now_ms) is Standing.REVOKED:
        raise Refused(f"The key {key_id} is revoked already.", code="keys.revoked")
    ended = replace(key, revoked_ms=now_ms, reason=reason)
    return Directory(
        number=directory.number + 1,
        keys=tuple(ended if each.key_id == key_id else each for each in directory.keys),
    )
