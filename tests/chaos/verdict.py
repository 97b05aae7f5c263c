"""Whether a run was clean: what the submitters' broker confirmed, against what lies at the sinks."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from tests.chaos.publishing import Confirmed
from tocsin.runtime.proof.evidence import Found

RECIPIENTS: Mapping[str, tuple[str, ...]] = {
    "NL": ("nl-hotline", "nl-police"),
    "DE": ("de-hotline-a", "de-police"),
    "FR": ("fr-hotline", "fr-police"),
}
"""Who must get a report, by the country that hosts it; written down here, asked of nobody."""


class Deliveries(Struct, frozen=True, kw_only=True):
    """How the sinks compare with what was confirmed."""

    expected: int
    at_sinks: int
    lost: int
    """Reports that some recipient of theirs does not have in each of their revisions."""
    doubled: int
    """Referrals that one sink has more than once."""
    wrong_member: int
    """Referrals at a member that must not have them."""


class Verdict(Struct, frozen=True, kw_only=True):
    """One run; every number that decides is here."""

    clean: bool
    fault: str = "kills"
    seed: int
    published: int
    unconfirmed: int
    deliveries: Deliveries
    out_of_order: int = 0
    """Reports whose later revision was decided, lies on a recipient's topic, or was taken from there into the inbox
    before an earlier one; each of the three counts."""
    overtaken_at_sinks: int = 0
    """Reports of which a sink has a file of an earlier revision that is younger than that of a later one: no promise is
    broken by it (ADR 58)."""
    waiting: int
    """Records that the ledger still has no outcome for when everything came to rest."""
    balanced: bool
    proven: bool
    findings: Mapping[str, int]
    """Discrepancies of the proof, by kind."""
    replayed: int
    kills: Mapping[str, int]
    recovery_seconds: float | None = None
    """From the end of the fault, or the last kill, until all was delivered that was due then; None: it never was."""
    facts: Mapping[str, str | int | float | bool] = {}
    """What the fault itself saw."""
    unmet: tuple[str, ...] = ()
    """What the fault expected beside these counts, and did not find."""
    seconds: float
    commit: str


def compare(confirmed: Confirmed, at_sinks: Iterable[Found]) -> Deliveries:
    """Hold every sink entry against the table above: each recipient has each revision once."""
    expected = {
        (report, member): confirmed.revisions[report]
        for report, country in confirmed.countries.items()
        for member in RECIPIENTS[country]
    }
    entries = list(at_sinks)
    times = Counter((entry.referral_id, entry.owner) for entry in entries)
    had = Counter((report, owner) for report, owner, _ in {(e.report_id, e.owner, e.referral_id) for e in entries})
    return Deliveries(
        expected=sum(expected.values()),
        at_sinks=len(entries),
        lost=len({report for (report, member), count in expected.items() if had[report, member] < count}),
        doubled=sum(1 for count in times.values() if count > 1)
        + sum(1 for key, count in expected.items() if had[key] > count),
        wrong_member=sum(count for key, count in had.items() if key not in expected),
    )


def out_of_order(decided: Iterable[tuple[str, int]]) -> int:
    """Reports of which a revision first came after a higher one; pairs of report id and revision, as they lie.

    A replay repeats what was decided before: only the first time counts.
    """
    highest: dict[str, int] = {}
    seen: set[tuple[str, int]] = set()
    late = set()
    for report, revision in decided:
        if (report, revision) not in seen and revision < highest.get(report, 0):
            late.add(report)
        seen.add((report, revision))
        highest[report] = max(revision, highest.get(report, 0))
    return len(late)


def is_clean(deliveries: Deliveries) -> bool:
    """Nothing lost, nothing doubled, nothing with a wrong member."""
    return not (deliveries.lost or deliveries.doubled or deliveries.wrong_member)


def is_whole(verdict: Verdict) -> bool:
    """Everything confirmed, delivered as it must be, in order, settled and proven, and nothing unmet."""
    lacks = (verdict.unconfirmed, verdict.out_of_order, verdict.waiting, verdict.unmet)
    return is_clean(verdict.deliveries) and verdict.balanced and verdict.proven and not any(lacks)
