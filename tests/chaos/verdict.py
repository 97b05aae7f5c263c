"""Whether a run was clean: what the submitters' broker confirmed, against what lies at the sinks."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

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
    """Reports that some recipient of theirs does not have."""
    doubled: int
    """Referrals that one sink has more than once."""
    wrong_member: int
    """Referrals at a member that must not have them."""


class Verdict(Struct, frozen=True, kw_only=True):
    """One run; every number that decides is here."""

    clean: bool
    seed: int
    published: int
    unconfirmed: int
    deliveries: Deliveries
    balanced: bool
    proven: bool
    findings: Mapping[str, int]
    """Discrepancies of the proof, by kind."""
    replayed: int
    kills: Mapping[str, int]
    seconds: float
    commit: str


def compare(hosted: Mapping[str, str], at_sinks: Iterable[Found]) -> Deliveries:
    """Hold every sink entry against the table above; `hosted` is report id to country."""
    expected = {(report, member) for report, country in hosted.items() for member in RECIPIENTS[country]}
    times = Counter((entry.report_id, entry.owner) for entry in at_sinks)
    return Deliveries(
        expected=len(expected),
        at_sinks=times.total(),
        lost=len({report for report, _ in expected - times.keys()}),
        doubled=sum(1 for count in times.values() if count > 1),
        wrong_member=sum(count for key, count in times.items() if key not in expected),
    )


def is_clean(deliveries: Deliveries) -> bool:
    """Nothing lost, nothing doubled, nothing with a wrong member."""
    return not (deliveries.lost or deliveries.doubled or deliveries.wrong_member)
