"""What a report can be recognised by: addresses, digests, accounts and incidents, each under secret keys; pure."""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from hmac import HMAC
from itertools import chain
from typing import Final

from msgspec import Struct

from processors.steps.deduplicate.urls import IsTracking, canonical_url
from schemas.records.identifiers import ContentId, MemberId
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted

MAX_SELECTORS: Final = 200
"""Per report and key; a report with more content is linked by its first ones."""

STRONG_HASHES: Final = frozenset({"sha256", "sha512"})
WEAK_HASHES: Final = frozenset({"md5", "sha1"})
"""Collisions are made on purpose: never sole proof (domain facts, section 4)."""


_BINDING: Final = "sha256"
BOUND_BYTES: Final = 8


class Strength(IntEnum):
    """What an equal selector proves."""

    KIN = 0
    """The same account: another report about it, perhaps of another content."""
    WEAK = 1
    """A digest that collides on purpose: the same content only beside another selector."""
    SAME = 2
    """The same content, or the same incident."""


class Keys(Struct, frozen=True, kw_only=True):
    """Under what selectors are digested: while a key is exchanged, everything is written and looked up under all."""

    digest: tuple[bytes, ...]
    """The newest first."""
    recipient: bytes
    """From which each recipient's own key is made; it does not change with the others."""


class Selector(Struct, frozen=True, order=True, gc=False):
    """One exact way to recognise a content, an account or an incident; the digest is keyed, so it cannot be guessed."""

    digest: bytes
    kind: str
    content_id: ContentId
    strength: Strength
    bound: bytes
    """Start of the digest of the item's SHA-256 under the same key, by which a contradiction shows; else empty."""
    value: bytes
    """What was digested; it stays in the process."""


def selectors(
    report: ReportSubmitted, personal: PersonalPart | None, keys: Keys, is_tracking: IsTracking
) -> tuple[Selector, ...]:
    """Every exact selector of a report under every key, without repeats, in order of digest."""
    values: dict[bytes, tuple[str, ContentItem | None]] = {}
    for kind, value, item in _values(report, personal, is_tracking):
        values.setdefault(value, (kind, item))
    bounded = list(values.items())[:MAX_SELECTORS]
    return tuple(sorted(chain.from_iterable(_under(key, bounded) for key in keys.digest)))


def _under(key: bytes, values: Iterable[tuple[bytes, tuple[str, ContentItem | None]]]) -> Iterator[Selector]:
    """Each value under one key; what an item is bound to is digested once."""
    bounds: dict[int, bytes] = {}
    keyed = _keyed(key)
    for value, (kind, item) in values:
        bound = bounds.get(id(item))
        if bound is None:
            bound = bounds[id(item)] = _bound(item, keyed)
        content_id = item.content_id if item else ContentId("")
        yield Selector(_digest(keyed, value), kind, content_id, _STRENGTHS[kind], bound, value)


def digests_of(kind: str, value: str, keys: Keys, is_tracking: IsTracking) -> tuple[bytes, ...]:
    """Under every key, what a report with that one selector would be recognised by; an account is platform:kind:value.

    Raises KeyError for a kind that nothing is recognised by.
    """
    _STRENGTHS[kind]
    platform, _, rest = value.partition(":")
    account_kind, _, name = rest.partition(":")
    text = {
        "url": lambda: canonical_url(value, is_tracking),
        "incident": lambda: value,
        "account": lambda: f"{platform.lower()}:{account_kind}:{name.strip()}",
    }.get(kind, value.lower)()
    _, encoded, _ = _value(kind, text)
    return tuple(_digest(_keyed(key), encoded) for key in keys.digest)


class Contents(Struct, frozen=True, kw_only=True, gc=False):
    """What a recipient may recognise a report by: its items, and the page they were found at."""

    values: tuple[tuple[str, bytes], ...]
    """Kind and value of every selector that proves the same content."""
    kinds: tuple[str, ...]
    """The kinds that each page or item has, once each; an empty one: nothing recognises it."""


def contents(report: ReportSubmitted, own: Sequence[Selector], is_tracking: IsTracking) -> Contents:
    """A page counts beside its items: known pictures on a page that nobody has reported are news to its country."""
    found = {s.value: s.kind for s in own if s.kind in CONTENT_KINDS and s.strength is Strength.SAME}
    kinds = {_kinds_of(item) for item in report.items}
    if report.source_url and report.source_url.url:
        kind, value, _ = _value("url", canonical_url(report.source_url.url, is_tracking))
        found[value] = kind
        kinds.add(kind)
    if len(own) >= MAX_SELECTORS and len({selector.value for selector in own}) >= MAX_SELECTORS:
        kinds.add("")  # there may be more that has no key
    return Contents(values=tuple((kind, value) for value, kind in found.items()), kinds=tuple(sorted(kinds)))


def content_keys(own: Contents, keys: Keys, recipient: MemberId) -> tuple[str, ...]:
    """The content selectors under one recipient's key: equal for it alone, meaningless to anybody else."""
    own_key = _key_of(recipient, keys)
    return tuple(sorted(f"{kind}:{_short(own_key, value)}" for kind, value in own.values))


def circumstance_keys(
    own: Iterable[Selector], report: ReportSubmitted, gates: Iterable[str], keys: Keys, recipient: MemberId
) -> tuple[str, ...]:
    """Accounts, nexus, gates and incident time under one recipient's key: a new one is always delivered."""
    accounts = {s.value for s in own if s.kind not in CONTENT_KINDS}
    nexus = {f"nexus:{claim.kind}:{claim.country}".encode() for claim in report.nexus}
    raised = {f"gate:{gate}".encode() for gate in gates}
    incident = {f"incident:{report.incident_at.epoch_ms}".encode()} if report.incident_at else set()
    own_key = _key_of(recipient, keys)
    return tuple(sorted(_short(own_key, value) for value in accounts | nexus | raised | incident))


_EXACT_HASHES: Final = STRONG_HASHES | WEAK_HASHES
CONTENT_KINDS: Final = frozenset({"url", *_EXACT_HASHES})
_STRENGTHS: Final = {
    "url": Strength.SAME,
    "incident": Strength.SAME,
    "account": Strength.KIN,
    **dict.fromkeys(STRONG_HASHES, Strength.SAME),
    **dict.fromkeys(WEAK_HASHES, Strength.WEAK),
}
_Value = tuple[str, bytes, ContentItem | None]


def _values(report: ReportSubmitted, personal: PersonalPart | None, is_tracking: IsTracking) -> Iterator[_Value]:
    """Accounts and incidents first: where a report has more than is kept, each of them says more than one item."""
    for account in personal.accounts if personal else ():
        if account.value:
            yield _value("account", f"{account.platform.lower()}:{account.kind}:{account.value.strip()}")
    for system, external_id in sorted(report.external_ids.items()):
        yield _value("incident", f"{system}:{external_id}")
    for item in report.items:
        yield from _item_values(item, is_tracking)
    if report.source_url and report.source_url.url and not report.items:
        yield _value("url", canonical_url(report.source_url.url, is_tracking))


def _item_values(item: ContentItem, is_tracking: IsTracking) -> Iterator[_Value]:
    if item.url:
        yield _value("url", canonical_url(item.url, is_tracking), item)
    for digest in item.hashes:
        if digest.algorithm in _EXACT_HASHES:
            yield _value(digest.algorithm, digest.value.lower(), item)


def _kinds_of(item: ContentItem) -> str:
    kinds = {digest.algorithm for digest in item.hashes if digest.algorithm in STRONG_HASHES}
    return "+".join(sorted(kinds | {"url"} if item.url else kinds))


def _value(kind: str, text: str, item: ContentItem | None = None) -> _Value:
    return kind, f"{kind}\x1f{text}".encode(), item


def _bound(item: ContentItem | None, keyed: HMAC) -> bytes:
    """By SHA-256 alone: two different algorithms could not be held against each other."""
    value = next((digest.value for digest in item.hashes if digest.algorithm == _BINDING), "") if item else ""
    return _digest(keyed, f"{_BINDING}\x1f{value.lower()}".encode())[:BOUND_BYTES] if value else b""


def _key_of(recipient: MemberId, keys: Keys) -> HMAC:
    return _made_key(recipient, keys.recipient)


@lru_cache(maxsize=10_000)
def _made_key(recipient: MemberId, key: bytes) -> HMAC:
    return _keyed(_digest(_keyed(key), f"recipient:{recipient}".encode()))


@lru_cache(maxsize=10_000)
def _keyed(key: bytes) -> HMAC:
    """The key taken in, once: that costs as much as a digest under it."""
    return HMAC(key, digestmod="sha256")


def _digest(keyed: HMAC, value: bytes) -> bytes:
    """Under a copy of what took the key in."""
    digest = keyed.copy()
    digest.update(value)
    return digest.digest()


def _short(keyed: HMAC, value: bytes) -> str:
    return _digest(keyed, value).hex()[:32]
