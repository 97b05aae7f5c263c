"""Compare by id what was submitted, decided, referred, received and delivered; pure, and knows nothing of triage."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from tocsin.runtime.proof.evidence import Discrepancy, Evidence, Finding, Found, Verdict


def prove(evidence: Evidence) -> Verdict:
    """Run every check; the order of discrepancies is stable."""
    found = sorted(discrepancy for check in CHECKS for discrepancy in check(evidence))
    return Verdict(
        submitted=len(evidence.submitted),
        answered=len(_answered(evidence)),
        referrals=len({entry.referral_id for entry in evidence.referrals}),
        at_inboxes=len(evidence.inboxes),
        at_sinks=len(evidence.sinks),
        unread=sum(evidence.unread.values()),
        replayed=sum(count - 1 for count in _times(evidence.referrals).values()),
        discrepancies=tuple(found),
    )


def confirmed(first: Verdict, second: Verdict) -> Verdict:
    """The later verdict with what both found: on an exchange at work a first look sees records in motion."""
    seen = set(first.discrepancies)
    return replace(second, discrepancies=tuple(each for each in second.discrepancies if each in seen))


def lost_reports(evidence: Evidence) -> Iterator[Discrepancy]:
    """Settled records that no decision and no dead letter answers."""
    answered = _answered(evidence)
    for place in evidence.submitted:
        if place in evidence.settled and place not in answered:
            yield Discrepancy(Finding.LOST_REPORT, str(place), f"ledger says {evidence.settled[place]}")


def unsettled_reports(evidence: Evidence) -> Iterator[Discrepancy]:
    """Records below a settled offset of their partition that the ledger does not know."""
    highest: dict[tuple[str, int], int] = {}
    for place in evidence.settled:
        key = (place.topic, place.partition)
        highest[key] = max(highest.get(key, -1), place.offset)
    for place in evidence.submitted:
        if place not in evidence.settled and place.offset < highest.get((place.topic, place.partition), -1):
            yield Discrepancy(Finding.UNSETTLED_REPORT, str(place), "a later record of this partition is settled")


def lost_referrals(evidence: Evidence) -> Iterator[Discrepancy]:
    """Referrals that a settled decision promises and the recipient's topic does not hold."""
    present = {(entry.referral_id, entry.owner) for entry in evidence.referrals}
    for decision in evidence.triaged:
        if decision.source not in evidence.settled:
            continue  # its outputs may be on their way
        for referral_id, recipient in decision.referrals.items():
            if (referral_id, recipient) not in present:
                yield Discrepancy(Finding.LOST_REFERRAL, referral_id, f"promised to {recipient} by {decision.source}")


def foreign_referrals(evidence: Evidence) -> Iterator[Discrepancy]:
    """Records that lie with a member other than the one they name."""
    for entry in (*evidence.referrals, *evidence.inboxes, *evidence.sinks):
        if _is_foreign(entry):
            recipient = entry.recipient or "nobody that can be read"
            yield Discrepancy(Finding.FOREIGN_REFERRAL, entry.referral_id, f"{entry.place}, made for {recipient}")


def unexplained_referrals(evidence: Evidence) -> Iterator[Discrepancy]:
    """Referrals that no decision made, and deliveries that no topic explains."""
    promised = {(referral, member) for decision in evidence.triaged for referral, member in decision.referrals.items()}
    on_topics = {(entry.referral_id, entry.owner) for entry in evidence.referrals}
    made = (entry for entry in evidence.referrals if entry.report_id not in evidence.waiting_reports)
    yield from _unexplained(made, promised)
    yield from _unexplained((*evidence.inboxes, *evidence.sinks), on_topics)


def lost_at_inboxes(evidence: Evidence) -> Iterator[Discrepancy]:
    """Referrals on a topic that an inbox has read to its end and does not hold."""
    held = {(entry.referral_id, entry.owner) for entry in evidence.inboxes}
    for entry in _distinct(evidence.referrals):
        has_read = not evidence.unread.get(entry.owner, 0)
        if has_read and not _is_foreign(entry) and (entry.referral_id, entry.owner) not in held:
            yield Discrepancy(Finding.LOST_AT_INBOX, entry.referral_id, f"{entry.place}, inbox of {entry.owner}")


def lost_at_sinks(evidence: Evidence) -> Iterator[Discrepancy]:
    """Referrals recorded as delivered to a listable sink that does not hold them."""
    held = {(entry.referral_id, entry.owner) for entry in evidence.sinks}
    for referral_id, member in evidence.delivered.items():
        if (referral_id, member) not in held:
            yield Discrepancy(Finding.LOST_AT_SINK, referral_id, f"sink of {member}")


def doubled(evidence: Evidence) -> Iterator[Discrepancy]:
    """Referrals that stand twice in one inbox or at one sink."""
    for finding, entries in (
        (Finding.DOUBLED_AT_INBOX, evidence.inboxes),
        (Finding.DOUBLED_AT_SINK, evidence.sinks),
    ):
        for (referral_id, owner), count in _times(entries).items():
            if count > 1:
                yield Discrepancy(finding, referral_id, f"{count} times with {owner}")


CHECKS: tuple[Callable[[Evidence], Iterator[Discrepancy]], ...] = (
    lost_reports,
    unsettled_reports,
    lost_referrals,
    foreign_referrals,
    unexplained_referrals,
    lost_at_inboxes,
    lost_at_sinks,
    doubled,
)


def _answered(evidence: Evidence) -> set[object]:
    return {decision.source for decision in evidence.triaged} | set(evidence.dead_letters)


def _is_foreign(entry: Found) -> bool:
    return entry.owner != entry.recipient


def _times(entries: Iterable[Found]) -> Counter[tuple[str, str]]:
    return Counter((entry.referral_id, entry.owner) for entry in entries)


def _distinct(entries: Iterable[Found]) -> Iterable[Found]:
    return {(entry.referral_id, entry.owner): entry for entry in entries}.values()


def _unexplained(entries: Iterable[Found], explained: set[tuple[str, str]]) -> Iterator[Discrepancy]:
    for entry in _distinct(entries):
        if not _is_foreign(entry) and (entry.referral_id, entry.owner) not in explained:
            yield Discrepancy(Finding.UNEXPLAINED_REFERRAL, entry.referral_id, entry.place)
