"""One verdict per content item and jurisdiction, from neutral labels and the dated legal map."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from schemas.records.report import ContentItem, ReportSubmitted
from schemas.records.triage import UNVERIFIED_NATIONAL, ItemVerdict
from schemas.records.values import Realism, SyntheticOrigin, Ternary, Verdict
from tocsin.policy.bundle import Bundle
from tocsin.policy.jurisdictions import Criminalised, Jurisdiction, LegalRow
from tocsin.policy.members import day_of

_PREPUBESCENT_BANDS: Final = frozenset({"infant", "prepubescent", "0-2", "3-6", "7-10"})
_OLDER_BANDS: Final = frozenset({"pubescent", "14-15", "16-17", "adult"})
"""11-13 is in neither: it lies across the limit of 13 years, so a person's claim stands and nothing follows from it."""
_REAL: Final = frozenset({"real_child", "appears_child"})
_ACT_OR_FOCUS: Final = frozenset({"sexual_act", "intimate_focus"})
_ILLEGAL: Final = frozenset({"illegal_claimed", "baseline_claimed"})
_NOTHING_TO_JUDGE: Final = frozenset({"comparison_only", "not_pertinent", "not_sexualised"})
_CLASSIFIER: Final = "ai_detection"
"""Labels of an item that a classifier found and nobody looked at are the classifier's: they decide nothing."""
_OPEN: Final = "synthetic_or_drawn"
_EITHER: Final = frozenset({"synthetic", "drawn"})
_AGES: Final = frozenset({"prepubescent", "pubescent"})


def neutral_labels(item: ContentItem, bundle: Bundle, on: date) -> frozenset[str]:
    """What the item's labels and annotations mean in neutral words; an unknown code says nothing."""
    found = {word for label in item.labels for word in _certain(bundle.neutral(label.scheme, label.label, on))}
    found.update(word for code in item.annotations for word in _certain(bundle.neutral("annotation", code, on)))
    if item.apparent_age_band in _PREPUBESCENT_BANDS:
        found.add("prepubescent")
    if item.apparent_age_band in _OLDER_BANDS:
        found.add("pubescent")
    if item.self_generated is Ternary.YES:
        found.add("self_generated")
    if item.live_stream is Ternary.YES:
        found.add("live_stream")
    return frozenset(found)


def _certain(words: tuple[str, ...]) -> Iterable[str]:
    """Without the two words of which a label says one and not which; another label may."""
    return set(words) - _EITHER if _OPEN in words else words


def classify(
    report: ReportSubmitted, jurisdictions: Iterable[Jurisdiction], bundle: Bundle, on: date
) -> tuple[ItemVerdict, ...]:
    """The verdicts of every item under each jurisdiction's law of that day."""
    laws = [(jurisdiction, jurisdiction.law(on)) for jurisdiction in jurisdictions]
    return tuple(_verdicts(report, laws, (bundle, on)))


def flags(report: ReportSubmitted, verdicts: Iterable[ItemVerdict], bundle: Bundle) -> tuple[str, ...]:
    """What a person should know of the legal side: on what a verdict or the report itself stands (ADR 0012)."""
    found = report.detected_at or report.received_at or report.submitted_at
    stands = {
        "classify.basis_lapsed": bundle.bases.has_lapsed(report.governance.legal_basis, day_of(found.epoch_ms)),
        "classify.unverified_law": any(UNVERIFIED_NATIONAL in one.rules for one in verdicts),
    }
    return tuple(code for code, holds in stands.items() if holds)


_Laws = list[tuple[Jurisdiction, LegalRow | None]]


def _verdicts(report: ReportSubmitted, laws: _Laws, policy: tuple[Bundle, date]) -> Iterator[ItemVerdict]:
    for item in report.items:
        labels = neutral_labels(item, *policy)
        for jurisdiction, law in laws:
            verdict, rules = _as_far_as_checked(law, *_verdict(item, labels, law))
            yield ItemVerdict(
                content_id=item.content_id,
                jurisdiction=jurisdiction.code,
                verdict=verdict,
                rules=rules,
                law=f"{jurisdiction.code}@{law.valid_from}" if law else "",
                verified=law is not None and law.verified,
            )


def _as_far_as_checked(law: LegalRow | None, verdict: Verdict, rule: str) -> tuple[Verdict, tuple[str, ...]]:
    """What law that nobody has checked says is told, as a rule and a flag, and decides nothing (ADR 12)."""
    if verdict is Verdict.NATIONAL and law is not None and not law.verified:
        return Verdict.UNDETERMINED, (UNVERIFIED_NATIONAL, rule)
    return verdict, (rule,)


def _verdict(item: ContentItem, labels: frozenset[str], law: LegalRow | None) -> tuple[Verdict, str]:
    if item.detection_method == _CLASSIFIER and item.viewed_by_reporter is not Ternary.YES:
        return Verdict.UNDETERMINED, "classify.machine_only"
    if "not_illegal_claimed" in labels and labels & _ILLEGAL:
        return Verdict.UNDETERMINED, "classify.contradictory_claims"
    if _is_baseline(item, labels):
        return Verdict.BASELINE, "classify.baseline"
    if law is None:
        return Verdict.UNDETERMINED, "classify.no_law"
    return _by_law(law, labels, _columns(item, labels))


def _by_law(law: LegalRow, labels: frozenset[str], columns: tuple[str, ...]) -> tuple[Verdict, str]:
    """What a person says, held against the law; a claim of baseline that the law refutes is a contradiction."""
    if "not_illegal_claimed" in labels:
        return _not_illegal(law, "classify.assessed_not_illegal")
    if not labels & _ILLEGAL:
        rule = "classify.nothing_to_judge" if labels & _NOTHING_TO_JUDGE else "classify.no_human_label"
        return Verdict.UNDETERMINED, rule
    if _may_be_exempt(law, labels, columns):
        return Verdict.UNDETERMINED, "classify.self_generated_peer"
    verdict, rule = _by_columns(law, columns)
    if verdict is Verdict.NOT_ILLEGAL and "baseline_claimed" in labels:
        return Verdict.UNDETERMINED, "classify.contradictory_claims"
    return verdict, rule


def _is_baseline(item: ContentItem, labels: frozenset[str]) -> bool:
    """A real child, prepubescent, and an act or the focus (domain facts 2.2); whoever claims it cannot claim more."""
    if "pubescent" in labels or not _REAL.issuperset(_columns(item, labels)):
        return False
    return "baseline_claimed" in labels or ("prepubescent" in labels and bool(labels & _ACT_OR_FOCUS))


def _columns(item: ContentItem, labels: frozenset[str]) -> tuple[str, ...]:
    """What the law is asked about; synthetic by any statement is not taken for a real child's."""
    if item.realism is Realism.NON_REALISTIC or "drawn" in labels:
        return ("non_realistic",)
    if item.realism is Realism.REALISTIC or "synthetic" in labels:
        return ("realistic_synthetic",)
    if _OPEN in labels:
        return ("realistic_synthetic", "non_realistic")
    if item.synthetic_origin in {SyntheticOrigin.FULL, SyntheticOrigin.PARTIAL}:
        return ("realistic_synthetic",)
    if item.content_type == "text":
        return ("text",)
    return ("appears_child" if "age_unclear" in labels and not labels & _AGES else "real_child",)


def _may_be_exempt(law: LegalRow, labels: frozenset[str], columns: tuple[str, ...]) -> bool:
    """Where peers' own images may be lawful, nobody can tell consent from metadata: a person looks.

    A live stream is shown to others while it is made: no exemption for images that peers keep among themselves.
    """
    is_own = {"self_generated", "pubescent"} <= labels and "live_stream" not in labels
    return is_own and columns == ("real_child",) and law.self_generated_peer in {Criminalised.NO, Criminalised.PARTLY}


def _by_columns(law: LegalRow, columns: tuple[str, ...]) -> tuple[Verdict, str]:
    """Where it is not known which of several columns it is, only what the law says of all of them holds."""
    found = [_by_column(law, column) for column in columns]
    if len(set(found)) == 1:
        return found[0]
    kinds = {verdict for verdict, _ in found}
    return kinds.pop() if len(kinds) == 1 else Verdict.UNDETERMINED, "classify.synthetic_or_drawn"


def _by_column(law: LegalRow, column: str) -> tuple[Verdict, str]:
    criminalised: Criminalised = getattr(law, column)
    if column in law.doubtful:
        return Verdict.UNDETERMINED, "classify.doubtful_law"
    if criminalised is Criminalised.YES:
        return Verdict.NATIONAL, f"classify.{column}"
    if criminalised is Criminalised.NO:
        return _not_illegal(law, f"classify.{column}")
    return Verdict.UNDETERMINED, f"classify.{column}"


def _not_illegal(law: LegalRow, rule: str) -> tuple[Verdict, str]:
    """Only a row that a lawyer has checked may say so."""
    return (Verdict.NOT_ILLEGAL, rule) if law.verified else (Verdict.UNDETERMINED, "classify.unverified_law")
