"""A decision as a tree that a person reads: evidence, rules, data versions, who was considered; per audience; pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from processors.steps.route.evidence import Evidence, evidence
from schemas.catalogue import catalogue, message
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral, Withheld
from schemas.records.report import ReportSubmitted
from schemas.records.triage import ItemVerdict, Link, Priority, ReportTriaged
from schemas.records.values import Instant, PolicyVersion
from schemas.sealing import personal_part
from tocsin.policy.bundle import Bundle

TIERS_ADVISE = message("tiers.advise")


class Node(Struct, frozen=True, kw_only=True):
    """One line of the tree, and what stands under it."""

    title: str
    children: tuple["Node", ...] = ()


class Decided(Struct, frozen=True, kw_only=True):
    """What there is to explain: the decision as recorded, what was sent, and the evidence where it can still be had."""

    triaged: ReportTriaged
    referrals: tuple[Referral, ...]
    evidence: tuple[Evidence, ...] | None = None
    said: tuple[str, ...] = ()
    """What people and processes decided about it since it came in, for operators alone."""


def evidence_of(report: ReportSubmitted, bundle: Bundle, now_ms: int) -> tuple[Evidence, ...]:
    """What a record points to; its personal part, where it is open, is looked into as triage does."""
    parts = [part for part in map(personal_part, report.sealed) if part is not None]
    return evidence(report, parts[0] if parts else None, bundle.country_of, now_ms)


def explained(decided: Decided, bundle: Bundle) -> Node:
    """Everything, for operators of the exchange."""
    triaged = decided.triaged
    return Node(
        title=f"{triaged.submitter} {triaged.submitter_reference}, revision {_decision(triaged)}: {triaged.outcome}",
        children=(
            _leaf(f"decided as of {_time(triaged.triaged_as_of)}, submitted {_time(triaged.submitted_at)}"),
            _evidence(decided.evidence, bundle),
            _verdicts(triaged.verdicts),
            _priority(triaged.priority),
            _novelty(triaged),
            _recipients(decided),
            _considered(triaged),
            *_flagged(triaged.flags),
            *_decided_again(decided.said),
            _versions(triaged.policy),
        ),
    )


def explained_for(decided: Decided, member: MemberId) -> Node:
    """As a member may see it: its submitter what its status says, a recipient its own referral, and nothing else."""
    if member == decided.triaged.submitter:
        return _explained_to_submitter(decided.triaged)
    return _explained_to_recipient(decided, member)


def _explained_to_submitter(triaged: ReportTriaged) -> Node:
    """Names no recipient and no link: what a submitter hears is what it was told."""
    completeness = triaged.completeness
    waiting = [_leaf(f"waits for a person: {_why([reason])}") for reason in triaged.waiting_reasons]
    return Node(
        title=f"{triaged.submitter_reference}, revision {triaged.revision}: {triaged.outcome}",
        children=(
            _leaf(f"decided as of {_time(triaged.triaged_as_of)}, submitted {_time(triaged.submitted_at)}"),
            _leaf(f"tier {triaged.priority.tier.value.lower()}. {TIERS_ADVISE}"),
            _leaf(f"recipients: {len(_holding(triaged))}"),
            _leaf(f"complete to {completeness.score} of 100; missing: {', '.join(completeness.missing) or 'nothing'}"),
            *waiting,
            *_flagged(triaged.flags),
        ),
    )


def _holding(triaged: ReportTriaged) -> set[MemberId]:
    recalled = {one.member for one in triaged.recipients if any(rule.startswith("recall.") for rule in one.rules)}
    return {one.member for one in triaged.recipients}.union(triaged.unchanged) - recalled


def _decided_again(said: Sequence[str]) -> Iterator[Node]:
    if said:
        yield Node(title="decided since it came in", children=tuple(map(_leaf, said)))


def _explained_to_recipient(decided: Decided, recipient: MemberId) -> Node:
    made = next((referral for referral in decided.referrals if referral.recipient == recipient), None)
    if made is None:
        return _leaf(f"{recipient} did not get this report; why not is between the exchange and its submitter.")
    return explained_referral(made)


def explained_referral(made: Referral) -> Node:
    """What its recipient may know of the decision."""
    return Node(
        title=f"referral {made.referral_id}, revision {_decision(made)}, to {made.recipient}",
        children=(
            _leaf(f"decided as of {_time(made.triaged_as_of)}"),
            _verdicts(made.verdicts),
            _priority(made.priority),
            Node(
                title=f"seen before: {made.novelty.value.lower()}; linked reports: {made.linked_reports}",
                children=tuple(_differing(made.conflicting_reports)),
            ),
            _withheld(made.withheld),
            *_flagged(made.flags),
            _versions(made.policy),
        ),
    )


def _evidence(pointed: tuple[Evidence, ...] | None, bundle: Bundle) -> Node:
    if pointed is None:
        return _leaf("evidence: the record is gone from its topic, or was decided by another bundle")
    return Node(title="evidence", children=tuple(_leaf(line) for line in _pointing(pointed, bundle)) or _nothing())


def _pointing(pointed: Iterable[Evidence], bundle: Bundle) -> Iterator[str]:
    routing = bundle.routing
    for found in pointed:
        strength = routing.confidence.get(found.kind, 0.0) * found.certainty
        verdict = "counts" if strength >= routing.least_confidence else "too weak for a route of its own"
        yield f"{found.country} by {found.kind}: {strength:.2f} of {routing.least_confidence:.2f}, {verdict}"


def _verdicts(verdicts: Sequence[ItemVerdict]) -> Node:
    lines = (
        f"{one.content_id or 'item'} under {one.law or one.jurisdiction}: {one.verdict.value.lower()}"
        f"{'' if one.verified else ' (unverified law)'}. {_why(one.rules)}"
        for one in verdicts
    )
    return Node(title="verdicts", children=tuple(map(_leaf, lines)) or _nothing())


def _priority(priority: Priority) -> Node:
    due = f", look until {_time(priority.deadline)}" if priority.deadline else ""
    title = f"priority {priority.tier.value.lower()}, score {priority.score:g}{due}. {TIERS_ADVISE}"
    pairs = zip(priority.rules, priority.reasons, strict=False)
    return Node(
        title=title,
        children=(
            *(_leaf(f"{rule}: {reason}") for rule, reason in pairs),
            _leaf(f"nothing is known of {priority.uncertainty:.0%} of the weight"),
            _leaf(f"rules {priority.ruleset_version}"),
        ),
    )


def _novelty(triaged: ReportTriaged) -> Node:
    title = f"novelty {triaged.novelty.value.lower()}, reported by {triaged.corroboration} other members"
    differing = sum(link.conflicting for link in triaged.links)
    return Node(title=title, children=(*map(_leaf, map(_link, triaged.links)), *_differing(differing)))


def _differing(count: int) -> Iterator[Node]:
    if count:
        yield _leaf(message("link.conflicting", count=count))


def _link(link: Link) -> str:
    marks = [
        *(["weak"] if link.weak else []),
        *(["the content differs"] if link.conflicting else []),
        *([f"distance {link.distance}"] if link.distance is not None else []),
        link.state.value.lower(),
    ]
    return f"{link.report_id} by {link.selector_kind} ({', '.join(marks)})"


def _decision(triaged: ReportTriaged | Referral) -> str:
    return f"{triaged.revision}, ruling {triaged.ruling}" if triaged.ruling else str(triaged.revision)


def _recipients(decided: Decided) -> Node:
    triaged = decided.triaged
    withheld = {made.recipient: made.withheld for made in decided.referrals}
    return Node(
        title=f"recipients: {len(triaged.recipients) + len(triaged.unchanged)}",
        children=(
            *(
                Node(
                    title=f"{recipient.member}: {_why(recipient.rules)}",
                    children=(_withheld(withheld[recipient.member]),) if recipient.member in withheld else (),
                )
                for recipient in triaged.recipients
            ),
            *(_leaf(f"{member}: the copy that it has stands") for member in triaged.unchanged),
        ),
    )


def _withheld(fields: Sequence[Withheld]) -> Node:
    lines = (f"{field.path}: {_why([field.rule])}" for field in fields)
    return Node(title=f"withheld: {len(fields)}", children=tuple(map(_leaf, lines)))


def _considered(triaged: ReportTriaged) -> Node:
    lines = [f"{one.member or one.country}: {_why([one.rule])}" for one in triaged.refusals]
    lines += [f"waits for a person: {_why([reason])}" for reason in triaged.waiting_reasons]
    return Node(title="considered and refused", children=tuple(map(_leaf, lines)) or _nothing())


def _flagged(flags: Sequence[str]) -> Iterator[Node]:
    if flags:
        yield Node(title="to know", children=tuple(_leaf(_why([flag])) for flag in flags))


def _versions(policy: PolicyVersion) -> Node:
    parts = ", ".join(f"{name} {version}" for name, version in sorted(policy.parts.items()))
    return _leaf(f"policy bundle {policy.bundle[:16] or 'not told'}: {parts}")


def _why(codes: Iterable[str]) -> str:
    """Codes in the words of the catalogue; a rule of an agreement speaks for itself."""
    entries = catalogue()
    return " ".join(entries[code].message if code in entries else f"Rule {code}." for code in codes)


def _time(at: Instant) -> str:
    return datetime.fromtimestamp(at.epoch_ms / 1000, UTC).isoformat(timespec="seconds")


def _leaf(title: str) -> Node:
    return Node(title=title)


def _nothing() -> tuple[Node, ...]:
    return (_leaf("nothing"),)
