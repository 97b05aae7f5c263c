"""Signed referrals as they lie on a member's topic."""

from collections.abc import Iterator

from benchmarks.world import reports
from processors.steps.release.proofs import proven
from schemas.commitments import Commitments, committed
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from tests.builders.proofs import SEED, SUBMITTER, sign
from tests.builders.referrals import a_referral

_SHARED = ("source_url", "items", "detected_at", "handling", "mark")
_GOVERNED = ("legal_basis", "purpose", "controller")


def referrals(count: int) -> Iterator[Referral]:
    """Of unique reports of one page and one item each, with what their recipient verifies them by."""
    for report in reports(count, member=SUBMITTER):
        yield _referral(committed(report, SEED, sign))


def _referral(report: ReportSubmitted) -> Referral:
    name = report.submitter_reference
    shared = {field: getattr(report, field) for field in _SHARED}
    governed = {field: getattr(report.governance, field) for field in _GOVERNED}
    keys = (f"url:page-{name}", f"url:item-{name}", f"sha256:{name}")
    referral = a_referral(name, submitter=report.submitter, content_keys=keys, **shared, **governed)
    return proven(referral, Commitments(submitted=report))
