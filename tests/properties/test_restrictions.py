"""A restriction: a report that is only kept goes to nobody, and no other report is touched by it."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from processors.decision import propose
from processors.intake import Accepted
from processors.standing import RESTRICTED, is_restricted, under
from schemas.records.identifiers import CountryCode, ReportId, report_id_of
from schemas.records.report import ReportSubmitted
from tests.builders.identity import NAMING
from tests.builders.policy import the_sample
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_source_url, an_escalation
from tocsin.runtime.ledger.standings import Standing

NAMES = ("one", "two", "three")


def reports() -> st.SearchStrategy[ReportSubmitted]:
    """Of several countries, urgent or not: what goes to some, to many, or waits for a person."""
    return st.builds(
        lambda name, country, escalation: a_report(
            submitter_reference=name,
            report_id=report_id_of(a_report().submitter, name),
            source_url=a_source_url(hosting=a_hosting(country=country)),
            escalation=escalation,
        ),
        name=st.sampled_from(NAMES),
        country=st.sampled_from([CountryCode(code) for code in ("NL", "DE", "FR", "NO", "US", "ZZ", "")]),
        escalation=st.none() | st.just(an_escalation()),
    )


KEPT: st.SearchStrategy[frozenset[ReportId]] = st.sets(
    st.sampled_from([report_id_of(a_report().submitter, name) for name in NAMES])
).map(frozenset)


@given(report=reports(), kept=KEPT, held=KEPT)
def test_what_is_only_kept_goes_to_nobody_however_urgent_and_says_why(
    report: ReportSubmitted, kept: frozenset[ReportId], held: frozenset[ReportId]
) -> None:
    proposed = propose(Accepted(report=report), the_sample(), NAMING, NOON_MS)
    found = under(proposed, Standing(restricted=frozenset({*kept, report.report_id}), held=held))
    assert (found.route.recipients, found.route.waiting_reasons) == ((), ())
    assert [one.rule for one in found.route.refusals] == [RESTRICTED]
    assert is_restricted(found.route)
    assert replace(found, route=proposed.route) == proposed, "nothing else that was decided of it changes"


@given(report=reports(), kept=KEPT)
def test_a_restriction_of_others_changes_nothing_of_a_report(
    report: ReportSubmitted, kept: frozenset[ReportId]
) -> None:
    proposed = propose(Accepted(report=report), the_sample(), NAMING, NOON_MS)
    others = Standing(restricted=frozenset(kept - {report.report_id}))
    assert under(proposed, others) == proposed
    assert not is_restricted(proposed.route)
