"""One verdict per content item and jurisdiction, from neutral labels and the dated legal map."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from schemas.records.report import ContentItem, ReportSubmitted
from schemas.records.triage import ItemVerdict
from schemas.records.values import Realism, SyntheticOrigin, Verdict
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Criminalised, Jurisdiction, LegalRow

_PREPUBESCENT_BANDS: Final = frozenset({"infant", "prepubescent", "0-2", "3-6", "7-10"})
_ACT_OR_FOCUS: Final = frozenset({"sexual_act", "intimate_focus"})


def neutral_labels(item: ContentItem, bundle: Bundle) -> frozenset[str]:
    """What the item's labels mean in neutral words; a label of an unknown code says nothing."""
    table = bundle.neutral_labels
    found = {word for label in item.labels for word in table.get((label.scheme, label.label), ())}
    if item.apparent_age_band in _PREPUBESCENT_BANDS:
        found.add("prepubescent")
    return frozenset(found)


def classify(
    report: ReportSubmitted, jurisdictions: Iterable[Jurisdiction], bundle: Bundle, on: date
) -> tuple[ItemVerdict, ...]:
    """The verdicts of every item under each jurisdiction's law of that day."""
    laws = [(jurisdiction, jurisdiction.law(on)) for jurisdiction in jurisdictions]
    return tuple(_verdicts(report, laws, bundle))


def _verdicts(
    report: ReportSubmitted, laws: list[tuple[Jurisdiction, LegalRow | None]], bundle: Bundle
) -> Iterator[ItemVerdict]:
    for item in report.items:
        labels = neutral_labels(item, bundle)
        for jurisdiction, law in laws:
            verdict, rule = _verdict(item, labels, law)
            yield ItemVerdict(
                content_id=item.content_id,
                jurisdiction=jurisdiction.code,
                verdict=verdict,
                rules=(rule,),
                verified=law is not None and law.verified,
            )


def _verdict(item: ContentItem, labels: frozenset[str], law: LegalRow | None) -> tuple[Verdict, str]:
    if _is_baseline(item, labels):
        return Verdict.BASELINE, "classify.baseline"
    if law is None:
        return Verdict.UNDETERMINED, "classify.no_law"
    if "not_illegal_claimed" in labels:
        return _not_illegal(law, "classify.assessed_not_illegal")
    if "illegal_claimed" not in labels:
        return Verdict.UNDETERMINED, "classify.no_human_label"
    return _by_material(law, _material(item))


def _is_baseline(item: ContentItem, labels: frozenset[str]) -> bool:
    """A real child, prepubescent, and an act or the focus (domain facts 2.2); synthetic or drawn never is."""
    is_real = item.synthetic_origin in {SyntheticOrigin.UNKNOWN, SyntheticOrigin.NONE} and item.realism in {
        Realism.UNKNOWN,
        Realism.PHOTO,
    }
    return is_real and ("baseline_claimed" in labels or ("prepubescent" in labels and bool(labels & _ACT_OR_FOCUS)))


def _material(item: ContentItem) -> str:
    if item.realism is Realism.NON_REALISTIC:
        return "non_realistic"
    if item.synthetic_origin in {SyntheticOrigin.FULL, SyntheticOrigin.PARTIAL} or item.realism is Realism.REALISTIC:
        return "realistic_synthetic"
    return "real_child"


def _by_material(law: LegalRow, material: str) -> tuple[Verdict, str]:
    criminalised: Criminalised = getattr(law, material)
    if criminalised is Criminalised.YES:
        return Verdict.NATIONAL, f"classify.{material}"
    if criminalised is Criminalised.NO:
        return _not_illegal(law, f"classify.{material}")
    return Verdict.UNDETERMINED, f"classify.{material}"


def _not_illegal(law: LegalRow, rule: str) -> tuple[Verdict, str]:
    """Only a row that a lawyer has checked may say so."""
    return (Verdict.NOT_ILLEGAL, rule) if law.verified else (Verdict.UNDETERMINED, "classify.unverified_law")
