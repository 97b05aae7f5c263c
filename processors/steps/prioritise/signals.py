"""What priority looks at, gathered once per report, and the conditions that a rule file may name; pure."""

from collections.abc import Callable, Mapping
from math import log10
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import CountryCode
from schemas.records.report import ContentItem, PersonalPart, ReportSubmitted
from schemas.records.triage import ItemVerdict
from schemas.records.values import Novelty, Realism, SyntheticOrigin, Ternary, Verdict

_DAY_MS: Final = 86_400_000
_HALF_LIFE_DAYS: Final = 30.0
_LEAST_STRENGTH: Final = 0.05
"""What happened longer ago than some four half-lives is not recent."""
_MANY_ITEMS: Final = 100.0
"""This many items count in full, ten of them half."""
_CLASSIFIER: Final = "ai_detection"
_UNKNOWN_BANDS: Final = frozenset({"", "not_categorised"})


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """One report for the rules; `novelty`, `corroboration` and `known_account` come from the claim."""

    report: ReportSubmitted
    personal: PersonalPart | None = None
    verdicts: tuple[ItemVerdict, ...] = ()
    novelty: Novelty = Novelty.UNKNOWN
    corroboration: int = 0
    known_account: bool = False
    anchors: frozenset[CountryCode] = frozenset()
    """Countries that the evidence points to strongly enough for a route."""
    reader_country: CountryCode = CountryCode("")
    """Whose officers read it; empty for everybody."""
    now_ms: int


class Signals(Struct, frozen=True, kw_only=True, gc=False):
    """The same in the shape that conditions ask for."""

    facts: Facts
    codes: frozenset[str]
    """Annotations of report and items, and incident types."""
    escalation: str | None
    """The reason code of an escalation; None without one."""
    bands: frozenset[str]
    """Apparent ages that somebody stated."""


Strength = float | None
"""How far a condition holds, 0 to 1; None where nothing is known."""
Condition = Callable[[Signals, float | None], Strength]
"""Given the half-life in days that a rule states."""


def signals_of(facts: Facts) -> Signals:
    """Gather once."""
    report = facts.report
    codes = {*report.annotations, *report.incident_types}
    bands = {report.victim_age_band}
    for item in report.items:
        codes.update(item.annotations)
        bands.add(item.apparent_age_band)
    return Signals(
        facts=facts,
        codes=frozenset(codes),
        escalation=report.escalation.reason_code if report.escalation else None,
        bands=frozenset(bands - _UNKNOWN_BANDS),
    )


def _said(*codes: str, escalated: tuple[str, ...] = ()) -> Condition:
    wanted = frozenset(codes)

    def strength(signals: Signals, _: float | None) -> Strength:
        return float(not wanted.isdisjoint(signals.codes) or signals.escalation in escalated)

    return strength


def _youngest_in(*bands: str, or_said: str = "") -> Condition:
    wanted = frozenset(bands)

    def strength(signals: Signals, _: float | None) -> Strength:
        if or_said and or_said in signals.codes:
            return 1.0
        return float(not wanted.isdisjoint(signals.bands)) if signals.bands else None

    return strength


def _any_item(stated: Callable[[ContentItem], Ternary], or_said: tuple[str, ...] = ()) -> Condition:
    wanted = frozenset(or_said)

    def strength(signals: Signals, _: float | None) -> Strength:
        if not wanted.isdisjoint(signals.codes):
            return 1.0
        values = [stated(item) for item in signals.facts.report.items]
        if Ternary.YES in values:
            return 1.0
        return 0.0 if values and Ternary.UNKNOWN not in values else None

    return strength


def _recent(signals: Signals, half_life_days: float | None) -> Strength:
    """Halves with every half-life since it happened, or was found."""
    report = signals.facts.report
    at = report.incident_at or report.detected_at
    if at is None:
        return None
    age_days = max(0, signals.facts.now_ms - at.epoch_ms) / _DAY_MS
    strength = 0.5 ** (age_days / (half_life_days or _HALF_LIFE_DAYS))
    return float(strength) if strength >= _LEAST_STRENGTH else 0.0


def _items(signals: Signals, _: float | None) -> Strength:
    count = len(signals.facts.report.items)
    return min(1.0, log10(count) / log10(_MANY_ITEMS)) if count else 0.0


def _prior_reports(signals: Signals, _: float | None) -> Strength:
    facts = signals.facts
    if facts.known_account:
        return 1.0
    counts = [account.prior_reports for account in facts.personal.accounts] if facts.personal else []
    known = [count for count in counts if count is not None]
    return float(any(known)) if known else None


def _new(signals: Signals, _: float | None) -> Strength:
    """Seen by nobody here, and not all of it part of series that somebody knows."""
    facts = signals.facts
    if facts.novelty is Novelty.UNKNOWN:
        return None
    return float(facts.novelty is Novelty.NEW and not _known_series(signals, None))


def _several(signals: Signals, _: float | None) -> Strength:
    facts = signals.facts
    return None if facts.novelty is Novelty.UNKNOWN else float(facts.corroboration > 0)


def _anchored(signals: Signals, _: float | None) -> Strength:
    """It points to the reader's own country; for everybody, to any."""
    facts = signals.facts
    if not facts.anchors:
        return None
    return float(not facts.reader_country or facts.reader_country in facts.anchors)


def _suspect(signals: Signals, _: float | None) -> Strength:
    personal = signals.facts.personal
    return float(any(account.role == "suspect" for account in personal.accounts)) if personal else None


def _ai_only(signals: Signals, _: float | None) -> Strength:
    """A model spoke of some item, and of no item a person."""
    items = signals.facts.report.items
    return float(any(map(_a_model_spoke, items)) and not any(map(_a_person_spoke, items)))


def _a_model_spoke(item: ContentItem) -> bool:
    return bool(item.ai_signals) or item.detection_method == _CLASSIFIER


def _a_person_spoke(item: ContentItem) -> bool:
    """Who looked, or a label that is not the classifier's own."""
    is_labelled = bool(item.labels) and item.detection_method != _CLASSIFIER
    return item.viewed_by_reporter is Ternary.YES or is_labelled


def _ai_signal(signals: Signals, _: float | None) -> Strength:
    """A model's score reached its own threshold; without one it says nothing that can be weighed."""
    found = [signal for item in signals.facts.report.items for signal in item.ai_signals]
    reached = [signal.threshold is not None and signal.score >= signal.threshold for signal in found]
    return float(any(reached))


def _baseline(signals: Signals, _: float | None) -> Strength:
    return float(Verdict.BASELINE in [one.verdict for one in signals.facts.verdicts])


def _known_series(signals: Signals, _: float | None) -> Strength:
    """Every item belongs to one: what is new beside a known series does not wait for it."""
    stated = [item.series for item in signals.facts.report.items]
    return float(bool(stated) and all(stated))


def _identified_victim(signals: Signals, _: float | None) -> Strength:
    """In every item: nobody knows yet who the others show."""
    values = {item.victim_identified for item in signals.facts.report.items}
    if values <= {Ternary.YES, Ternary.UNKNOWN}:
        return 1.0 if values == {Ternary.YES} else None
    return 0.0


def _partly_synthetic(signals: Signals, _: float | None) -> Strength:
    """A real child may be in what a machine changed."""
    return float(SyntheticOrigin.PARTIAL in [item.synthetic_origin for item in signals.facts.report.items])


_LOOKS_REAL: Final = frozenset({Realism.PHOTO, Realism.REALISTIC})


def _realistic(signals: Signals, _: float | None) -> Strength:
    """Some item looks like a real child, and nobody says that a machine made all of it."""
    items = signals.facts.report.items
    if any(item.realism in _LOOKS_REAL and item.synthetic_origin is not SyntheticOrigin.FULL for item in items):
        return 1.0
    return 0.0 if all(item.realism is not Realism.UNKNOWN for item in items) else None


CONDITIONS: Final[Mapping[str, Condition]] = {
    "escalated": lambda signals, _: float(signals.escalation is not None),
    "imminent_danger": _said("imminent_danger", escalated=("imminent_danger", "live_now", "suicide_risk")),
    "live_stream": _any_item(lambda item: item.live_stream, ("live_streaming", "live_stream")),
    "sextortion": _said("sextortion"),
    "sadistic": _said("sadistic_online_exploitation"),
    "trafficking": _said("trafficking"),
    "contact_abuse": _said("molestation", "production", "contact_abuse", escalated=("contact_abuse",)),
    "infant": _youngest_in("infant", "0-2", or_said="infant"),
    "prepubescent": _youngest_in("infant", "prepubescent", "0-2", "3-6", "7-10", or_said="infant"),
    "new_content": _new,
    "recent_incident": _recent,
    "prior_reports": _prior_reports,
    "several_members": _several,
    "anchored": _anchored,
    "item_count": _items,
    "baseline": _baseline,
    "suspect_known": _suspect,
    "self_generated": _any_item(lambda item: item.self_generated, ("self_generated",)),
    "partly_synthetic": _partly_synthetic,
    "realistic": _realistic,
    "extreme_harm": _said("physical_harm", "violence", "bestiality"),
    "ai_signal": _ai_signal,
    "ai_only": _ai_only,
    "viral": _said("viral", "meme", "batched"),
    "informational": _said("informational", "spam"),
    "identified_victim": _identified_victim,
    "known_series": _known_series,
}
"""What a rule file may name; a name that is not here does not load."""
