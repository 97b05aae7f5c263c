"""The shapes of the rule files: label mappings, routing evidence and priority."""

from collections.abc import Mapping
from datetime import date
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from schemas.records.identifiers import MemberId
from tocsin.policy.dates import Dated
from tocsin.policy.jurisdictions import Confidence


class LabelMapping(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one label of one scheme means in neutral words; `lossy` where something is lost on the way."""

    scheme: str
    label: str
    neutral: tuple[str, ...]
    source: str
    as_of: date
    """When the source was looked at."""
    valid_from: date
    confidence: Confidence
    lossy: bool


class Labels(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mapping tables, as one versioned file."""

    version: str
    mapping: tuple[LabelMapping, ...]


class Routing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which evidence counts how much (0 to 1), and who takes what nobody else does."""

    version: str
    confidence: dict[str, float]
    """By evidence: tocsin/policy/words.py lists it."""
    least_confidence: float
    """Evidence below this gives no route of its own."""
    last_resort: tuple[MemberId, ...]


class Factor(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One factor that is added where it is present; `reason` is what an officer reads."""

    when: str
    weight: float
    reason: str
    half_life_days: float | None = None
    """For what happened at a time: after so many days it counts half."""


class Gate(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A circumstance that makes a report urgent whatever else is known."""

    when: str
    reason: str
    least_score: float = 85.0
    """What the score is lifted to, so that what is most pressing stands first among the urgent."""


class Cap(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A circumstance that keeps a report below a tier, unless a gate fired."""

    when: str
    tier: str
    reason: str


class TierBound(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which score a tier holds, and by when somebody should look."""

    tier: str
    least_score: float
    deadline_hours: float


class Override(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one recipient weighs otherwise: gates and caps stay, because they are everybody's."""

    member: MemberId
    version: str
    weight: dict[str, float] = {}
    """By condition of a factor or a reduction; 0 leaves it out."""
    deadline_hours: dict[str, float] = {}
    """By tier."""


class Asking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the exchange asks the submitter for more: the report goes on all the same."""

    tiers: tuple[str, ...] = ("URGENT",)
    below_completeness: int = 80


class PriorityRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gates, then the weighted sum of the factors present, then caps, then the tier."""

    version: str
    gate: tuple[Gate, ...]
    factor: tuple[Factor, ...]
    cap: tuple[Cap, ...]
    tier: tuple[TierBound, ...]
    reduction: tuple[Factor, ...] = ()
    """Factors that are taken off: known series and identified victims wait longer, and are forwarded all the same."""
    override: tuple[Override, ...] = ()
    asking: Asking = Asking()

    def of(self, override: Override) -> Self:
        """The rules as one recipient weighs them."""
        tiers = (replace(t, deadline_hours=override.deadline_hours.get(t.tier, t.deadline_hours)) for t in self.tier)
        return replace(
            self,
            version=f"{self.version}+{override.member}:{override.version}",
            factor=_weighed_anew(self.factor, override.weight),
            reduction=_weighed_anew(self.reduction, override.weight),
            tier=tuple(tiers),
        )


def _weighed_anew(factors: tuple[Factor, ...], weight: Mapping[str, float]) -> tuple[Factor, ...]:
    changed = (replace(factor, weight=weight.get(factor.when, factor.weight)) for factor in factors)
    return tuple(factor for factor in changed if factor.weight)
