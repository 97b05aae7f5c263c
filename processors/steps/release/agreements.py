"""What the agreements of the day let one recipient see of one report, group by group and label by label; pure."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from processors.steps.release.fields import NEVER
from processors.steps.release.labels import Words
from schemas.records.report import ReportSubmitted
from tocsin.policy.bundle import Bundle
from tocsin.policy.dates import in_force
from tocsin.policy.members import Member
from tocsin.policy.sharing import NO_HANDLING_CODE, Agreement, Organisations, Prohibition


class Case(Struct, frozen=True, kw_only=True):
    """One report between two members, as far as a row of the tables asks."""

    submitter: Member
    recipient: Member
    purpose: str
    tlp: str
    pap: str
    handling_code: str


class Rows(Struct, frozen=True, kw_only=True):
    """The rows of the tables that fit a case in everything but the label."""

    agreements: tuple[Agreement, ...]
    prohibitions: tuple[Prohibition, ...]
    unmet: str
    """What the recipient reads where no agreement fits."""
    has_transfer_basis: bool


class Terms(Struct, frozen=True, kw_only=True, gc=False):
    """The rows that fit, and what the submitter keeps back."""

    key: Hashable
    """Equal terms of one bundle have equal keys."""
    rows: Rows
    closed: str
    """The rule by which the submitter keeps everything from this recipient, or nothing."""
    denied_labels: frozenset[str]
    hides_submitter: bool

    def denial(self, group: str, labels: Iterable[Words]) -> str:
        """The rule that withholds a group where any one of these labels is not for the recipient, or nothing."""
        return next(filter(None, (self._of_label(group, words) for words in labels)), "")

    def _of_label(self, group: str, words: Words) -> str:
        if group in NEVER:
            return NEVER[group]
        if self.closed or _names(self.denied_labels, words):
            return self.closed or "release.submitter_denies_label"
        for prohibition in self.rows.prohibitions:
            if _listed(group, prohibition.forbid) and _carries(prohibition.labels, words):
                return prohibition.rule
        fitting = [agreement for agreement in self.rows.agreements if _fits(agreement, words)]
        if any(group in agreement.allow for agreement in fitting):
            return ""
        return self.rows.unmet or ("release.not_in_agreement" if fitting else "release.label")


def asked_of(report: ReportSubmitted, on: date) -> Hashable:
    """All that terms follow from beside the recipient and the bundle."""
    handling = report.handling
    about = (report.submitter, report.governance.purpose, handling.tlp, handling.pap, handling.handling_code)
    return (*about, report.sharing, on)


def terms(report: ReportSubmitted, recipient: Member, bundle: Bundle, on: date) -> Terms:
    """Look up once for what is asked of a report, and a recipient."""
    choices, handling = report.sharing, report.handling
    asked = (report.submitter, recipient.id, report.governance.purpose, handling.tlp, handling.pap)
    about = (*asked, handling.handling_code, on)
    rows = bundle.memory.recall(("rows", about), lambda: _rows(_case(report, recipient, bundle), bundle, on))
    closed, denied_labels = _closed(report, recipient), frozenset(choices.deny_labels)
    return Terms(
        key=(about, closed, denied_labels, choices.hide_submitter),
        rows=rows,
        closed=closed,
        denied_labels=denied_labels,
        hides_submitter=choices.hide_submitter,
    )


def _rows(case: Case, bundle: Bundle, on: date) -> Rows:
    agreements = list(in_force(bundle.sharing.agreement, on))
    prohibitions = in_force(bundle.sharing.prohibition, on)
    fitting = tuple(agreement for agreement in agreements if _unmet(agreement, case) is None)
    return Rows(
        agreements=fitting,
        prohibitions=tuple(prohibition for prohibition in prohibitions if _unmet(prohibition, case) is None),
        unmet="" if fitting else _nearest(agreements, case),
        has_transfer_basis=any(
            case.submitter.country in basis.source and case.recipient.country in basis.destination
            for basis in in_force(bundle.sharing.transfer, on)
        ),
    )


def _case(report: ReportSubmitted, recipient: Member, bundle: Bundle) -> Case:
    return Case(
        submitter=bundle.members[report.submitter],
        recipient=recipient,
        purpose=report.governance.purpose,
        tlp=report.handling.tlp.upper(),
        pap=report.handling.pap.upper(),
        handling_code=report.handling.handling_code.upper() or NO_HANDLING_CODE,
    )


_Row = Agreement | Prohibition
_Condition = Callable[[_Row, Case], bool]

_CONDITIONS: Final[Sequence[tuple[str, _Condition]]] = (
    ("release.no_agreement", lambda row, case: _listed(case.submitter.sector, row.submitter_sectors)),
    ("release.no_agreement", lambda row, case: _listed(case.recipient.sector, row.recipient_sectors)),
    ("release.no_agreement", lambda row, case: _between(row.organisations, case)),
    ("release.purpose", lambda row, case: _listed(case.purpose, row.purposes)),
    ("release.pap", lambda row, case: _listed(case.pap, row.pap)),
    ("release.handling_code", lambda row, case: _listed(case.handling_code, row.handling_codes)),
    ("release.tlp", lambda row, case: _listed(case.tlp, row.tlp)),
)
"""In the order in which a person would ask; the rule is what is told where a row fails there."""


def _unmet(row: _Row, case: Case) -> int | None:
    """The place of the first condition that a row fails, or None where it fits."""
    return next((place for place, (_, holds) in enumerate(_CONDITIONS) if not holds(row, case)), None)


def _nearest(agreements: Iterable[Agreement], case: Case) -> str:
    """What stood in the way of the agreement that came closest."""
    failed = [place for agreement in agreements if (place := _unmet(agreement, case)) is not None]
    rule = _CONDITIONS[max(failed, default=0)][0]
    return "release.tlp_red" if rule == "release.tlp" and case.tlp == "RED" else rule


def _between(organisations: str, case: Case) -> bool:
    if organisations == Organisations.ANY:
        return True
    return (organisations == Organisations.SAME) is (case.submitter.belongs_to == case.recipient.belongs_to)


def _closed(report: ReportSubmitted, recipient: Member) -> str:
    """The route keeps it from them as well; what a person routes by hand must not go around the submitter."""
    choices = report.sharing
    if not (choices.deny_members or choices.deny_sectors or choices.deny_countries):
        return ""
    places = {recipient.country.upper(), recipient.jurisdiction.upper()}
    is_denied = (
        recipient.id in choices.deny_members
        or recipient.sector in choices.deny_sectors
        or not places.isdisjoint(country.upper() for country in choices.deny_countries)
    )
    return "release.submitter_denies" if is_denied else ""


def _listed(word: str, words: tuple[str, ...] | None) -> bool:
    return words is None or word in words


def _carries(labels: tuple[str, ...] | None, words: Words) -> bool:
    return labels is None or not words.isdisjoint(labels)


def _fits(agreement: Agreement, words: Words) -> bool:
    return _carries(agreement.labels, words) and words.isdisjoint(agreement.deny_labels)


def _names(denied: frozenset[str], words: Words) -> bool:
    """A submitter may deny a label with its scheme, without, or in neutral words: each narrows."""
    return bool(denied) and any(word in denied or word.partition(":")[2] in denied for word in words)
