"""What the sightings of others mean: duplicates inform, they decide nothing."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from processors.steps.deduplicate.selectors import CONTENT_KINDS, Selector, Strength
from schemas.records.identifiers import ContentId, MemberId, ReportId
from schemas.records.report import ReportSubmitted
from schemas.records.triage import Link, LinkState
from schemas.records.values import Novelty, SealedPart

MAX_LINKS: Final = 50


class Seen(Struct, frozen=True, gc=False):
    """Another report that carries a selector of this one."""

    digest: bytes
    member: MemberId
    report_id: ReportId
    bound: bytes = b""
    """What that report said the content's SHA-256 is, as `Selector.bound`."""
    state: LinkState = LinkState.STANDS


class Near(Struct, frozen=True, gc=False):
    """Another report whose content looks alike: a link with its distance, and never more than that."""

    content_id: ContentId
    member: MemberId
    report_id: ReportId
    distance: int
    state: LinkState = LinkState.STANDS


class Novelties(Struct, frozen=True, kw_only=True, gc=False):
    """What the sightings say of one report."""

    novelty: Novelty
    corroboration: int
    """Other members that reported the same content or incident, and did not take it back."""
    links: tuple[Link, ...]
    known_account: bool = False
    """An account of this report was reported before."""


def novelties(
    own: Sequence[Selector], seen: Sequence[Seen], near: Sequence[Near], report: ReportSubmitted, *, resubmitted: bool
) -> Novelties:
    """What other reports say; the submitter's own earlier reports link, and corroborate nothing."""
    if not seen and not near:
        return Novelties(novelty=_novelty(report, is_seen=False, resubmitted=resubmitted), corroboration=0, links=())
    by_digest = {selector.digest: selector for selector in own}
    kin = [_kinship(by_digest, sightings) for sightings in _by_report(seen).values()]
    same = [one for one in kin if one.is_same]
    standing = {one.member for one in same if one.link.state is LinkState.STANDS}
    left = [one for one in kin if one.link.state is not LinkState.RETRACTED]
    links = _closest({one.link.report_id: one.link for one in kin}, near)
    return Novelties(
        novelty=_novelty(report, is_seen=any(one.is_same for one in left), resubmitted=resubmitted),
        corroboration=len(standing - {report.submitter}),
        links=links,
        known_account=any(one.shares_account for one in left),
    )


def content_digest(report: ReportSubmitted) -> bytes:
    """SHA-256 of what the report says, apart from when it was sent and the secrets that were drawn for it then."""
    parts: Any = tuple(map(_part_said, report.sealed))
    still = msgspec.structs.replace(report, submitted_at=type(report.submitted_at)(), commitment=None, sealed=parts)
    return hashlib.sha256(msgspec.msgpack.encode(still)).digest()


def _part_said(part: SealedPart) -> dict[str, Any]:
    """A part as it was before it could be proven: digests that were kept since then still hold."""
    return {name: getattr(part, name) for name in part.__struct_fields__ if name != "proof"}


class _Kinship(Struct, frozen=True, kw_only=True):
    """What this report and one other have in common."""

    member: MemberId
    link: Link
    is_same: bool
    shares_account: bool


def _by_report(seen: Iterable[Seen]) -> Mapping[ReportId, list[Seen]]:
    found: dict[ReportId, list[Seen]] = {}
    for sighting in seen:
        found.setdefault(sighting.report_id, []).append(sighting)
    return found


def _kinship(own: Mapping[bytes, Selector], sightings: Sequence[Seen]) -> _Kinship:
    """SHA-2, an address or an incident's id is enough; a weak digest needs another selector that fits (ADR 0007)."""
    shared = [(own[sighting.digest], sighting) for sighting in sightings]
    fitting = [selector for selector, sighting in shared if not _contradicts(selector, sighting)]
    strengths = {selector.strength for selector in fitting}
    is_proved = Strength.SAME in strengths or {Strength.WEAK, Strength.KIN} <= strengths
    told = max(fitting or [selector for selector, _ in shared], key=lambda selector: selector.strength)
    first = sightings[0]
    return _Kinship(
        member=first.member,
        link=Link(
            report_id=first.report_id,
            content_id=told.content_id,
            selector_kind=told.kind,
            weak=not is_proved and told.strength is Strength.WEAK,
            conflicting=len(fitting) < len(shared),
            state=first.state,
        ),
        is_same=is_proved,
        shares_account=any(selector.kind == "account" for selector in fitting),
    )


def _contradicts(selector: Selector, sighting: Seen) -> bool:
    """The same address or weak digest, and another SHA-256: not the same content, whatever it looks like."""
    if selector.kind not in CONTENT_KINDS or not selector.bound or not sighting.bound:
        return False
    return selector.bound != sighting.bound


def _novelty(report: ReportSubmitted, *, is_seen: bool, resubmitted: bool) -> Novelty:
    if resubmitted:
        return Novelty.RESUBMISSION
    if report.revision > 1:
        return Novelty.REVISION
    return Novelty.SEEN if is_seen else Novelty.NEW


def _closest(links: dict[ReportId, Link], near: Sequence[Near]) -> tuple[Link, ...]:
    """One link a report; a near match is told where nothing else links it, by its smallest distance."""
    for match in sorted(near, key=lambda match: match.distance):
        links.setdefault(match.report_id, _near_link(match))
    return tuple(sorted(links.values(), key=_rank))[:MAX_LINKS]


def _near_link(match: Near) -> Link:
    return Link(
        report_id=match.report_id,
        content_id=match.content_id,
        selector_kind="pdq",
        distance=match.distance,
        state=match.state,
    )


def _rank(link: Link) -> tuple[bool, bool, int, str]:
    return (link.conflicting, link.weak, link.distance if link.distance is not None else -1, link.report_id)


def linked_within(links: Iterable[Link], near_distance: int) -> Iterator[Link]:
    """The links that count for a member: near matches no farther than it wants to hear of."""
    return (link for link in links if link.distance is None or link.distance <= near_distance)
