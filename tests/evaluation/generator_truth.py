"""How well the rules find what is urgent behind the generator's noise: recall at a fixed workload, and duplicates.

The truth goes to nobody who decides: rules cannot import it, and it is compared only here. Figures are of synthetic
reports, and say nothing of the field.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from processors.decision import Decision, Naming, claim_of, conclude, propose
from processors.index.memory import MemoryIndex
from processors.index.port import Source
from processors.intake import Accepted
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.selectors import Keys
from producers.generator.generating import Generated, Order, generate
from producers.generator.parameters import Parameters
from schemas.records.identifiers import MemberId
from schemas.records.report import ReportSubmitted
from schemas.records.values import Novelty, Tier
from schemas.sealing import personal_part
from tocsin.cli.evaluating.submissions import submission_of
from tocsin.policy.bundle import SAMPLE, load

REPORTS: Final = 15_000
"""Of each seed."""
SEEDS: Final = (11, 12, 13)
OVER_ESCALATED: Final = 0.002
"""As many false alarms as true ones: who escalates everything must not hide what is urgent."""
NOW_MS: Final = 1_795_176_000_000
WORKLOAD: Final = 0.01
LEAST_RECALL: Final = 0.95
_ORDER: Final = (Tier.UNKNOWN, Tier.LOW, Tier.NORMAL, Tier.HIGH, Tier.URGENT)
_NAMING: Final = Naming(keys=Keys(digest=(b"k" * 32,), recipient=b"r" * 32), veil=Veil(b"v" * 32))


class Figures(Struct, frozen=True, kw_only=True):
    """What was measured."""

    reports: int
    urgent: int
    found: int
    duplicates: int
    """Truly of a case that an earlier report is of."""
    seen: int
    """Called seen before."""
    rightly_seen: int

    def recall(self) -> float:
        """Of the reports that are truly urgent, the share among the first hundredth."""
        return self.found / self.urgent

    def duplicate_precision(self) -> float:
        """Of what is called seen before, the share that truly was."""
        return self.rightly_seen / self.seen

    def duplicate_recall(self) -> float:
        """Of what was truly seen before, the share that is called so."""
        return self.rightly_seen / self.duplicates

    def holds(self) -> bool:
        """Whether the targets are met."""
        return self.recall() >= LEAST_RECALL and self.duplicate_precision() == self.duplicate_recall() == 1.0

    def sentences(self) -> tuple[str, ...]:
        """For people."""
        return (
            f"urgent recall {self.recall():.3f} at {WORKLOAD:.0%} workload ({self.found} of {self.urgent} among "
            f"{self.reports} generated reports, as many false "
            f"alarms; synthetic, not field accuracy; target {LEAST_RECALL})",
            f"exact duplicates precision {self.duplicate_precision():.3f}, recall {self.duplicate_recall():.3f} "
            f"({self.duplicates} duplicates among them; synthetic, not field accuracy; target 1.000)",
        )


def figures(reports: int = REPORTS, seeds: Sequence[int] = SEEDS) -> Figures:
    """Decide generated reports in order, rank them as a queue does, and look at the first hundredth of each world."""
    worlds = [ranked(reports, seed) for seed in seeds]
    return Figures(
        reports=sum(len(world.urgent) for world in worlds),
        urgent=sum(sum(world.urgent) for world in worlds),
        found=sum(world.found() for world in worlds),
        duplicates=sum(len(world.repeated) for world in worlds),
        seen=sum(len(world.seen) for world in worlds),
        rightly_seen=sum(len(world.seen & world.repeated) for world in worlds),
    )


class Ranked(Struct, frozen=True, kw_only=True):
    """One world in the order of its queue: whether each report is truly urgent, the most pressing first."""

    urgent: tuple[bool, ...]
    repeated: frozenset[int] = frozenset()
    """Positions in the order of arrival of reports that truly are of an earlier case."""
    seen: frozenset[int] = frozenset()
    """Positions of those that were called so."""

    def found(self) -> int:
        """How many of the urgent stand in the first hundredth."""
        return sum(self.urgent[: int(len(self.urgent) * WORKLOAD)])


def ranked(reports: int, seed: int) -> Ranked:
    """The truth is looked at when all is decided; reports of equal rank stand in the order of their arrival."""
    order = Order(count=reports, members=_members(), prefix="truth", now_ms=NOW_MS)
    noise = Parameters(over_escalated=OVER_ESCALATED)
    made = list({one.content["submitter_reference"]: one for one in generate(order, noise, seed)}.values())
    decided = _decided(made)
    ranks = list(map(_rank, decided))
    places = sorted(range(len(made)), key=lambda place: ranks[place], reverse=True)
    return Ranked(
        urgent=tuple(bool(made[place].truth["urgent"]) for place in places),
        repeated=frozenset(_repeated(made)),
        seen=frozenset(n for n, one in enumerate(decided) if one.novelties.novelty is Novelty.SEEN),
    )


def _repeated(made: Iterable[Generated]) -> Iterator[int]:
    """The positions of reports of a case that was reported before: the truth knows them by its number."""
    cases: set[int] = set()
    for position, one in enumerate(made):
        if one.truth["case"] in cases:
            yield position
        cases.add(one.truth["case"])


def _members() -> tuple[MemberId, ...]:
    return tuple(MemberId(name) for name in ("plat-a", "ngo-b", "nl-hotline", "fr-hotline"))


def _decided(made: list[Generated]) -> list[Decision]:
    bundle, index = load(SAMPLE), MemoryIndex()
    decisions = []
    for offset, one in enumerate(made):
        written: dict[str, Any] = one.content | {"submitter": one.member}
        record = submission_of(written, bundle, NOW_MS).record
        assert isinstance(record, ReportSubmitted)
        parts = [part for part in map(personal_part, record.sealed) if part is not None]
        accepted = Accepted(report=record, personal=parts[0] if parts else None)
        proposed = propose(accepted, bundle, _NAMING, NOW_MS)
        (known,) = index.claim(Source("id", "truth", 0), (claim_of(proposed, offset),))
        decisions.append(conclude(proposed, known, bundle))
    return decisions


def _rank(decision: Decision) -> tuple[int, float]:
    """As a queue shows it: the tier, then the score."""
    return _ORDER.index(decision.priority.tier), decision.priority.score
