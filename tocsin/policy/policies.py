"""The bundle in force at an instant: what every process asks, once a record, by the record's own time."""

import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

import msgspec

from schemas.catalogue import message
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from schemas.topics import MemberTopics
from tocsin.policy.bundle import Bundle, load
from tocsin.policy.store.folder import Seen, Store, is_store
from tocsin.policy.store.promotions import Promotion, digest_at, gone_from
from tocsin.policy.store.trust import Trust, read_trust

LOOK_SECONDS: Final = 1.0
"""How old the view of a store may be; much less than any lead of a promotion."""
MOST_LOADED: Final = 16


class Policies(Protocol):
    """Which rules hold when."""

    def at(self, at_ms: int) -> Bundle:
        """The bundle in force at that instant; raises Broken where what is there cannot be believed."""

    def from_now_on(self, now_ms: int) -> tuple[Bundle, ...]:
        """The one in force and those that are promoted, in order: whoever is in one of them needs topics."""

    def of(self, digest: str) -> Bundle | None:
        """Any bundle that was ever in force; None for one that never was."""

    def promoted(self, now_ms: int) -> Mapping[str, bytes]:
        """Every signed promotion by name, as its file is."""

    def require(self, seen: Mapping[str, bytes]) -> None:
        """Raises Broken where one of these that this deployment's people signed is there no more."""


class OnePolicy(Policies):
    """One bundle for all time: a plain folder, as tests, evaluations and members' machines have it."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle

    def at(self, at_ms: int) -> Bundle:
        """Always the same."""
        return self._bundle

    def from_now_on(self, now_ms: int) -> tuple[Bundle, ...]:
        """The one there is."""
        return (self._bundle,)

    def of(self, digest: str) -> Bundle | None:
        """The one there is, where it is that."""
        return self._bundle if self._bundle.digest == digest else None

    def promoted(self, now_ms: int) -> Mapping[str, bytes]:
        """None: a folder is not promoted."""
        return {}

    def require(self, seen: Mapping[str, bytes]) -> None:
        """What was promoted elsewhere says nothing of a folder."""


class StoredPolicies(Policies):
    """A store: looks for new promotions while it is asked, and verifies everything that it reads."""

    def __init__(self, store: Store, trust: Trust, clock_seconds: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._trust = trust
        self._clock_seconds = clock_seconds
        self._lock = Lock()
        self._loaded: dict[str, Bundle] = {}
        self._looked_seconds = clock_seconds()
        self._seen: Seen = store.seen()
        self._chain = store.chain(trust)
        for one in self._chain[-2:]:
            self._bundle(one.digest)

    def at(self, at_ms: int) -> Bundle:
        """By the chain as it was at most a second ago."""
        with self._lock:
            self._look()
            return self._bundle(digest_at(self._chain, at_ms))

    def from_now_on(self, now_ms: int) -> tuple[Bundle, ...]:
        """The one in force, and what was promoted."""
        with self._lock:
            self._look()
            later = [one.digest for one in self._chain if one.takes_effect_ms > now_ms]
            return tuple(self._bundle(digest) for digest in (digest_at(self._chain, now_ms), *later))

    def of(self, digest: str) -> Bundle | None:
        """Only what was promoted counts: any file can be put into a folder."""
        with self._lock:
            self._look()
            return self._bundle(digest) if any(one.digest == digest for one in self._chain) else None

    def promoted(self, now_ms: int) -> Mapping[str, bytes]:
        """All but the first bundle, which the deployment itself names."""
        with self._lock:
            self._look()
            return {one.name: msgspec.json.encode(one) for one in self._chain[1:]}

    def require(self, seen: Mapping[str, bytes]) -> None:
        """By the chain as it is now."""
        with self._lock:
            self._look()
            if gone := gone_from(self._chain, seen, self._trust):
                raise Broken(message("promotion.gone", name=gone[-1]), code="promotion.gone")

    @property
    def chain(self) -> tuple[Promotion, ...]:
        """What takes effect when."""
        return self._chain

    def _look(self) -> None:
        if self._clock_seconds() - self._looked_seconds < LOOK_SECONDS:
            return
        seen = self._store.seen()
        if seen != self._seen:
            self._learn(self._store.chain(self._trust))
            self._seen = seen
        self._looked_seconds = self._clock_seconds()

    def _learn(self, chain: tuple[Promotion, ...]) -> None:
        """Load what is new before its instant comes; what was promoted once stays promoted."""
        if chain[: len(self._chain)] != self._chain:
            raise Broken(message("promotion.vanished"), code="promotion.vanished")
        for one in chain[len(self._chain) :]:
            self._bundle(one.digest)
        self._chain = chain

    def _bundle(self, digest: str) -> Bundle:
        if digest not in self._loaded:
            while len(self._loaded) >= MOST_LOADED:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[digest] = self._store.bundle(digest)
        return self._loaded[digest]


def policies(folder: Path, trust: Path | None = None) -> Policies:
    """What a process's settings name: a store and whom to trust, or one plain bundle."""
    if not is_store(folder):
        return OnePolicy(load(folder))
    if trust is None:
        raise Broken(message("promotion.no_trust"), code="promotion.no_trust")
    return StoredPolicies(Store(folder), read_trust(trust))


def topics_of(bundles: Iterable[Bundle]) -> tuple[MemberTopics, ...]:
    """Whoever is in one of them; the latest word on a member counts."""
    members: dict[MemberId, MemberTopics] = {}
    for bundle in bundles:
        members |= {one.member_id: one for one in bundle.topics()}
    return tuple(members[name] for name in sorted(members))
