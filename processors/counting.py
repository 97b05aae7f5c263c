"""What is counted of a slice once it is settled: summed first, so that a metric is touched once for each value."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from processors.answering import Answered
from processors.telling import Known, Read
from schemas.records.answers import ReturnKind
from schemas.records.values import Mark
from tocsin.runtime import metrics

_SIGNATURE: Final = "origin."
"""How the code of every refusal of a signature begins."""
_TIMED: Final = {ReturnKind.DELIVERED: metrics.DELIVERED, ReturnKind.TAKEN_UP: metrics.TAKEN_UP}
_HAD: Final = {
    ReturnKind.DELIVERED: frozenset({"delivered", "taken_up", "refused"}),
    ReturnKind.TAKEN_UP: frozenset({"taken_up"}),
}
"""States of a referral in which an answer of that kind is not the first one."""


class Journey(Struct, frozen=True, kw_only=True):
    """How long one live referral took until one of its steps."""

    kind: ReturnKind
    jurisdiction: str
    tier: str
    seconds: float


def count_slice(stage: str, topic: str, answers: Sequence[Answered]) -> None:
    """Outcomes, dead letters, links and denials of a slice of reports."""
    for outcome, count in Counter(answer.outcome for answer in answers).items():
        metrics.record_left(stage, outcome.name.lower(), count)
    count_letters(stage, topic, [answer.dead_letter.code for answer in answers if answer.dead_letter is not None])
    links = Counter(
        "near" if link.distance else "same" for answer in answers if answer.decision for link in answer.decision.links
    )
    for kind, count in links.items():
        metrics.LINKS.labels(kind).inc(count)
    metrics.POLICY_DENIALS.inc(sum(answer.denied for answer in answers))


def count_letters(stage: str, topic: str, codes: Sequence[str]) -> None:
    """Dead letters of a slice, by whose topic it is, and those of them that are about signatures."""
    if codes:
        metrics.DEAD_LETTERS.labels(stage, topic.split(".")[1]).inc(len(codes))
    if forged := sum(code.startswith(_SIGNATURE) for code in codes):
        metrics.SIGNATURE_FAILURES.labels(stage).inc(forged)


def journeys(read: Sequence[Read], known: Mapping[str, Known]) -> tuple[Journey, ...]:
    """The first steps of live referrals among these answers; tests, drills and recalls are nobody's waiting."""
    found = []
    for entry in read:
        answer = entry.accepted()
        if answer is None or answer.kind not in _TIMED or answer.mark is not Mark.LIVE:
            continue
        referral = known[answer.referral_id]
        if referral.withdrawal or referral.state in _HAD[answer.kind]:
            continue
        seconds = max(0, answer.at.epoch_ms - referral.submitted_ms) / 1000
        found.append(Journey(kind=answer.kind, jurisdiction=referral.jurisdiction, tier=referral.tier, seconds=seconds))
    return tuple(found)


def count_journeys(found: Sequence[Journey]) -> None:
    """Observe each."""
    for one in found:
        _TIMED[one.kind].labels(one.jurisdiction, one.tier).observe(one.seconds)
