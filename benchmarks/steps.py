"""What each step costs alone: CPU-microseconds a report, the codec among them; no broker and no database."""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from benchmarks.world import reports
from processors.steps.classify import rules as classify
from processors.steps.completeness import rules as completeness
from processors.steps.deduplicate.selectors import Keys, selectors
from processors.steps.firewall import rules as firewall
from processors.steps.prioritise import rules as prioritise
from processors.steps.prioritise.signals import Facts
from processors.steps.route import rules as route
from processors.steps.route.evidence import evidence
from schemas.codec import decode, encode
from schemas.records.identifiers import JurisdictionCode
from schemas.records.report import ReportSubmitted
from tocsin.policy.bundle import SAMPLE, load
from tocsin.policy.members import day_of

CONCERNED: Final = (JurisdictionCode("nl"), JurisdictionCode("us"))
_REPORTS: Final = 2_000
_KEYS: Final = Keys(digest=(b"k" * 32,), recipient=b"r" * 32)
_NOW_MS: Final = 1_767_268_800_000


def costs() -> dict[str, float]:
    """Microseconds of CPU a report, by step."""
    made = list(reports(_REPORTS))
    written = [encode(report) for report in made]
    return {"decode": _cost(lambda data: decode(ReportSubmitted, data), written)} | {
        name: _cost(step, made) for name, step in _steps().items()
    }


def _steps() -> dict[str, Callable[[ReportSubmitted], Any]]:
    bundle, day = load(SAMPLE), day_of(_NOW_MS)
    laws = [bundle.jurisdictions[code] for code in CONCERNED]
    verdicts = {report.report_id: classify.classify(report, laws, bundle, day) for report in reports(_REPORTS)}

    def routed(report: ReportSubmitted) -> Any:
        pointed = evidence(report, None, bundle.country_of, _NOW_MS)
        known = verdicts[report.report_id]
        case = route.Case(report=report, personal=None, verdicts=known, evidence=pointed, is_urgent=False)
        return route.route(case, bundle, day)

    def prioritised(report: ReportSubmitted) -> Any:
        facts = Facts(report=report, verdicts=verdicts[report.report_id], now_ms=_NOW_MS)
        return prioritise.prioritise(facts, bundle.priority)

    return {
        "encode": encode,
        "firewall": firewall.decide,
        "classify": lambda report: classify.classify(report, laws, bundle, day),
        "route": routed,
        "deduplicate": lambda report: selectors(report, None, _KEYS, bundle.tracking(day)),
        "prioritise": prioritised,
        "completeness": lambda report: completeness.completeness(report, None),
    }


def _cost(step: Callable[[Any], Any], inputs: Iterable[Any]) -> float:
    items = list(inputs)
    for item in items[:100]:
        step(item)
    started = time.process_time()
    for item in items:
        step(item)
    return 1_000_000 * (time.process_time() - started) / len(items)
