"""Which selectors a report carries, and what the sightings of others mean: duplicates inform, they decide nothing."""

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from string import ascii_letters, digits
from typing import Final

import ada_url
import msgspec
from msgspec import Struct

from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from schemas.records.triage import Link
from schemas.records.values import Novelty

MAX_LINKS: Final = 50
MAX_SELECTORS: Final = 200
"""Per report; a report with more content is linked by its first ones."""

_STRONG_HASHES: Final = frozenset({"sha256", "sha512"})
_WEAK_HASHES: Final = frozenset({"md5", "sha1"})
"""Collisions are made on purpose: never sole proof (domain facts, section 4)."""


class Selector(Struct, frozen=True, order=True):
    """One exact way to recognise a content, an account or an incident; the digest is keyed, so it cannot be guessed."""

    digest: bytes
    kind: str
    content_id: ContentId
    weak: bool


class Seen(Struct, frozen=True):
    """Another report that carries a selector of this one."""

    digest: bytes
    member: MemberId
    report_id: ReportId


class Novelties(Struct, frozen=True, kw_only=True):
    """What the sightings say of one report."""

    novelty: Novelty
    corroboration: int
    """Other members that reported the same content, by a selector that is not weak."""
    links: tuple[Link, ...]


def selectors(report: ReportSubmitted, personal: PersonalPart | None, key: bytes) -> tuple[Selector, ...]:
    """Every exact selector of a report, without repeats, in order of digest."""
    found: dict[bytes, Selector] = {}
    for kind, value, content_id in _values(report, personal):
        digest = _keyed(key, kind, value)
        found.setdefault(digest, Selector(digest, kind, content_id, kind.removeprefix("hash:") in _WEAK_HASHES))
        if len(found) >= MAX_SELECTORS:
            break
    return tuple(sorted(found.values()))


def novelties(
    own: Sequence[Selector], seen: Sequence[Seen], report: ReportSubmitted, *, resubmitted: bool
) -> Novelties:
    """What other reports say; the submitter's own earlier reports link, and corroborate nothing."""
    by_digest = {selector.digest: selector for selector in own}
    strong = [sighting for sighting in seen if not by_digest[sighting.digest].weak]
    return Novelties(
        novelty=_novelty(report, strong, resubmitted=resubmitted),
        corroboration=len({sighting.member for sighting in strong} - {report.submitter}),
        links=tuple(_links(by_digest, seen)),
    )


def content_keys(own: Iterable[Selector], key: bytes, recipient: MemberId) -> tuple[str, ...]:
    """The content selectors under one recipient's key: equal for it alone, meaningless to anybody else."""
    return _recipient_keys((s.digest for s in own if _is_content(s) and not s.weak), key, recipient)


def circumstance_keys(
    own: Iterable[Selector], report: ReportSubmitted, gates: Iterable[str], key: bytes, recipient: MemberId
) -> tuple[str, ...]:
    """Accounts, nexus, gates and incident time under one recipient's key: a new one is always delivered."""
    accounts = [s.digest for s in own if not _is_content(s)]
    nexus = [f"nexus:{claim.kind}:{claim.country}".encode() for claim in report.nexus]
    raised = [f"gate:{gate}".encode() for gate in gates]
    incident = [f"incident:{report.incident_at.epoch_ms}".encode()] if report.incident_at else []
    return _recipient_keys((*accounts, *nexus, *raised, *incident), key, recipient)


def content_digest(report: ReportSubmitted) -> bytes:
    """SHA-256 of what the report says, apart from when it was sent."""
    still = msgspec.structs.replace(report, submitted_at=type(report.submitted_at)())
    return hashlib.sha256(msgspec.msgpack.encode(still)).digest()


def canonical_url(url: str) -> str:
    """The URL as a WHATWG parser writes it, each escape in one spelling, no fragment; the text where it is no URL."""
    try:
        return _ESCAPE.sub(_one_spelling, str(ada_url.replace_url(ada_url.normalize_url(url), hash="")))
    except ValueError:
        return url.strip()


_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED: Final = frozenset(f"{ascii_letters}{digits}-._~")


def _one_spelling(escape: re.Match[str]) -> str:
    """Characters that never need an escape lose it (RFC 3986, 6.2.2.2), the others are written in capitals."""
    character = chr(int(escape[0][1:], 16))
    return character if character in _UNRESERVED else escape[0].upper()


def _values(report: ReportSubmitted, personal: PersonalPart | None) -> Iterator[tuple[str, str, ContentId]]:
    nothing = ContentId("")
    for item in report.items:
        yield from _item_values(item)
    if report.source_url and report.source_url.url and not report.items:
        yield "url", canonical_url(report.source_url.url), nothing
    for account in personal.accounts if personal else ():
        if account.value:
            yield "account", f"{account.platform.lower()}:{account.kind}:{account.value.strip()}", nothing
    for system, external_id in sorted(report.external_ids.items()):
        yield "incident", f"{system}:{external_id}", nothing


def _item_values(item: ContentItem) -> Iterator[tuple[str, str, ContentId]]:
    if item.url:
        yield "url", canonical_url(item.url), item.content_id
    for digest in item.hashes:
        if digest.algorithm in _STRONG_HASHES | _WEAK_HASHES:
            yield f"hash:{digest.algorithm}", digest.value.lower(), item.content_id


def _is_content(selector: Selector) -> bool:
    return selector.kind == "url" or selector.kind.startswith("hash:")


def _novelty(report: ReportSubmitted, seen: Sequence[Seen], *, resubmitted: bool) -> Novelty:
    if resubmitted:
        return Novelty.RESUBMISSION
    if report.revision > 1:
        return Novelty.REVISION
    return Novelty.SEEN if seen else Novelty.NEW


def _links(by_digest: dict[bytes, Selector], seen: Sequence[Seen]) -> Iterator[Link]:
    best: dict[ReportId, Link] = {}
    for sighting in seen:
        selector = by_digest[sighting.digest]
        known = best.get(sighting.report_id)
        if known is None or (known.weak and not selector.weak):
            best[sighting.report_id] = Link(
                report_id=sighting.report_id,
                content_id=selector.content_id,
                selector_kind=selector.kind,
                weak=selector.weak,
            )
    return iter(sorted(best.values(), key=lambda link: (link.weak, link.report_id))[:MAX_LINKS])


def _recipient_keys(values: Iterable[bytes], key: bytes, recipient: MemberId) -> tuple[str, ...]:
    own_key = hmac.digest(key, f"recipient:{recipient}".encode(), "sha256")
    return tuple(sorted({hmac.digest(own_key, value, "sha256").hex()[:32] for value in values}))


def _keyed(key: bytes, kind: str, value: str) -> bytes:
    return hmac.digest(key, f"{kind}\x1f{value}".encode(), "sha256")
