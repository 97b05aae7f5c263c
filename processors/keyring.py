"""The secret keys of triage: files that every worker reads when it starts, made on first use."""

import contextlib
import secrets
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgspec import Struct

from processors.steps.deduplicate.selectors import Keys
from schemas.catalogue import message
from schemas.failures import Broken, Refused
from tocsin.runtime.ledger.workers import Worker

_KEY_BYTES: Final = 32
_MOST_DIGEST_KEYS: Final = 4
_FIRST: Final = "digest-0001"


class Keyring(Struct, frozen=True, kw_only=True):
    """Everything that is digested or veiled is so under these."""

    keys: Keys
    near: bytes
    """Of the veil over perceptual hashes; it does not change, because distances must stay what they are."""


def keyring(state: Path) -> Keyring:
    """The keys of a state folder; raises Broken where a file is no key."""
    folder = state / "keyring"
    folder.mkdir(mode=0o700, exist_ok=True)
    names = digest_keys(state) or (_FIRST,)
    digest = tuple(_key(folder / f"{name}.key") for name in reversed(names))
    return Keyring(keys=Keys(digest=digest, recipient=_key(folder / "recipient.key")), near=_key(folder / "near.key"))


def begin_keyring(state: Path) -> tuple[str, ...]:
    """Make the first keys where there are none, and tell their files; workers are then given copies of these."""
    if digest_keys(state):
        raise Refused(message("keyring.begun"), code="keyring.begun")
    keyring(state)
    return tuple(sorted(file.name for file in (state / "keyring").iterdir()))


def digest_keys(state: Path) -> tuple[str, ...]:
    """The names of the digest keys, the oldest first."""
    return tuple(sorted(file.stem for file in (state / "keyring").glob("digest-*.key")))


def add_digest_key(state: Path) -> str:
    """Begin to exchange the key: workers that start from now on write and look up under the new one as well."""
    names = digest_keys(state)
    if len(names) >= _MOST_DIGEST_KEYS:
        raise Refused(f"There are at most {_MOST_DIGEST_KEYS} digest keys. Retire one first.", code="keyring.too_many")
    keyring(state)
    number = int((names or (_FIRST,))[-1].removeprefix("digest-")) + 1
    name = f"digest-{number:04}"
    _key(state / "keyring" / f"{name}.key")
    return name


def key_mark(key: bytes) -> str:
    """By which workers and operators speak of a key; tells nothing of it."""
    return sha256(b"tocsin digest key\x1f" + key).hexdigest()[:16]


def retire_digest_key(state: Path, name: str, workers: Iterable[Worker] = ()) -> None:
    """End the exchange: what was written under that key alone is not recognised any more.

    Raises Refused where one of these workers began without the newest key: what it writes now would be lost with it.
    """
    names = digest_keys(state)
    _require_retirable(names, name)
    newest = key_mark(_key(state / "keyring" / f"{names[-1]}.key"))
    if old := [one.instance for one in workers if one.keys and newest not in one.keys]:
        raise Refused(
            f"Every worker was expected to run with {names[-1]}, found {', '.join(old)} without it. Copy the key to "
            "their folders, restart them, and retire the old key then.",
            code="keyring.still_in_use",
        )
    (state / "keyring" / f"{name}.key").unlink()


def _require_retirable(names: tuple[str, ...], name: str) -> None:
    if name not in names[:-1]:
        known = ", ".join(names[:-1]) or "none, because a single key cannot be retired"
        raise Refused(f"An older digest key can be retired ({known}), found '{name}'.", code="keyring.not_retirable")


def _key(file: Path) -> bytes:
    if not file.exists():
        _make(file)
    key = file.read_bytes()
    if len(key) != _KEY_BYTES or next(_too_open(file), None):
        raise Broken(
            f"A key file has {_KEY_BYTES} bytes that only its owner can read; {file.name} has not. "
            "Restore it from the other workers' folder, or correct its mode to 0600.",
            code="keyring.broken",
        )
    return key


def _make(file: Path) -> None:
    """Whole or not at all; whoever is second takes the first one's."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(secrets.token_bytes(_KEY_BYTES))
    with contextlib.suppress(FileExistsError):
        file.hardlink_to(draft)
    draft.unlink()


def _too_open(file: Path) -> Iterator[int]:
    mode = file.stat().st_mode & 0o077
    if mode:
        yield mode
