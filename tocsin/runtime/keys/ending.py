"""Which keys end soon, or have ended, with nothing in their place; and what to say of it before it is too late."""

from collections.abc import Iterator
from typing import Final

from schemas.records.identifiers import MemberId
from schemas.topics import TRIAGE
from tocsin.runtime.keys.changing import DAY_MS
from tocsin.runtime.keys.directory import Directory, PublicKey
from tocsin.runtime.keys.files import Use

WARN_DAYS: Final = 30


def last_keys(directory: Directory) -> Iterator[PublicKey]:
    """Of each principal and use the key that ends last; none where each is revoked."""
    for principal, use in sorted({(key.principal, key.use) for key in directory.keys}):
        key = directory.last(principal, use)
        if key is not None:
            yield key


def expiring(directory: Directory, now_ms: int) -> tuple[PublicKey, ...]:
    """Those of them that end within a month or have ended: whoever waits longer loses something."""
    return tuple(key for key in last_keys(directory) if left_days(key, now_ms) < WARN_DAYS)


def left_days(key: PublicKey, now_ms: int) -> int:
    """How many days it has; below 0 where it has ended."""
    return (key.valid_until_ms - now_ms) // DAY_MS


def ending(key: PublicKey, now_ms: int) -> str:
    """When it ends, in words."""
    days = left_days(key, now_ms)
    return f"ends in {days} days" if days >= 0 else "has ended"


def own_seal_warnings(directory: Directory, principal: MemberId, now_ms: int) -> tuple[str, ...]:
    """What a principal should know of its key that personal parts are sealed to; nothing where it never had one."""
    key = directory.last(principal, Use.SEAL)
    if key is None or left_days(key, now_ms) >= WARN_DAYS:
        return ()
    return (
        f"Your sealing key {key.key_id} {ending(key, now_ms)}: without another you get reports without what names a "
        f"person. Exchange it: tocsin keys rotate --as {principal} --use {Use.SEAL}",
    )


def triage_seal_warnings(directory: Directory, now_ms: int) -> tuple[str, ...]:
    """What a submitter should know of the key that it seals personal parts to."""
    key = directory.last(TRIAGE, Use.SEAL)
    if key is not None and left_days(key, now_ms) >= WARN_DAYS:
        return ()
    ends = (
        f"The exchange's sealing key {key.key_id} {ending(key, now_ms)}" if key else "The exchange has no sealing key"
    )
    return (
        f"{ends}: without another, reports with a personal part come back unwritten. Ask the operator for a newer key "
        "directory.",
    )
