"""A past record under another bundle: the same rules give the same verdict, and each difference has its kind."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from processors.retrial import KINDS, Court, Verdict, difference
from schemas.records.report import ReportSubmitted
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate, Novelty
from tests.builders.policy import a_bundle, a_folder, the_sample, with_agreement, without_members
from tests.builders.reports import NOON_MS, a_report, a_withdrawal, an_instant
from tocsin.policy.bundle import Bundle, load
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord

CODEC = RecordCodec(FixedDirectory())
CHECKED = 'verified = true\nverified_by = "A. Lawyer"\nverified_on = 2026-01-15'


def a_record(report: Any = None) -> RawRecord:
    value = CODEC.dumps(report or a_report())
    return RawRecord(offset=0, timestamp_ms=NOON_MS, key=None, value=value, headers=())


def recorded(report: ReportSubmitted | None = None, **changes: Any) -> ReportTriaged:
    found = report or a_report()
    values: dict[str, Any] = {
        "report_id": found.report_id,
        "submitter": found.submitter,
        "source": Coordinate(),
        "submitted_at": an_instant(),
        "triaged_as_of": an_instant(),
        "novelty": Novelty.NEW,
    }
    return ReportTriaged(**(values | changes))


def judged(bundle: Bundle, was: ReportTriaged | None = None) -> Verdict:
    verdict = Court(bundle=bundle, codec=CODEC, personal_schema_id=8).judge(
        a_record(), a_report().submitter, was or recorded()
    )
    assert verdict is not None
    return verdict


def test_the_same_bundle_decides_the_same() -> None:
    assert difference(judged(the_sample()), judged(the_sample())).kinds == ()


def test_a_member_that_left_is_lost_and_whoever_takes_over_gains() -> None:
    found = difference(judged(the_sample()), judged(without_members("nl-hotline")))
    assert "nl-hotline" in found.loses
    assert "members" in found.kinds
    assert found.concerns_members


def test_a_narrower_agreement_takes_fields_away_and_says_which() -> None:
    found = difference(judged(the_sample()), judged(with_agreement(allow=("content",))))
    assert "fields" in found.kinds
    more, less = found.fields[next(iter(found.fields))]
    assert (more, "priority" in less or "verdicts" in less) == ((), True)


def test_a_submitter_that_takes_no_part_is_refused_under_the_new_rules() -> None:
    found = difference(judged(the_sample()), judged(without_members(a_report().submitter)))
    assert found.refused == ("", "report.member_not_active")
    assert found.loses


def test_novelty_comes_from_the_record_and_weighs() -> None:
    new, seen = (judged(the_sample(), recorded(novelty=novelty)) for novelty in (Novelty.NEW, Novelty.SEEN))
    held = [next(iter(verdict.held.values())).referral.novelty for verdict in (new, seen)]
    assert held == [Novelty.NEW, Novelty.SEEN]


def test_a_withdrawal_is_decided_by_no_rule() -> None:
    court = Court(bundle=the_sample(), codec=CODEC, personal_schema_id=8)
    assert court.judge(a_record(a_withdrawal()), a_report().submitter, None) is None


@given(st.sampled_from([a_bundle(), without_members("nl-police"), with_agreement(allow=())]))
def test_a_difference_has_a_kind_and_swapping_the_bundles_swaps_it(other: Bundle) -> None:
    there, back = (
        difference(judged(the_sample()), judged(other)),
        difference(judged(other), judged(the_sample())),
    )
    assert set(there.kinds) <= set(KINDS)
    assert (there.gains, there.loses) == (back.loses, back.gains)
    assert {m: (less, more) for m, (more, less) in there.fields.items()} == back.fields


def test_law_that_nobody_has_checked_is_marked_and_that_a_lawyer_has_since_is_a_difference(tmp_path: Path) -> None:
    checked = load(a_folder(tmp_path, ("jurisdictions/nl.toml", "verified = false", CHECKED)))
    found = difference(judged(the_sample()), judged(checked))
    assert found.kinds == ("verdict",)
    assert [name.split()[-1] for name in found.verdicts] == ["nl"] * len(a_report().items)
    assert set(found.verdicts.values()) == {("BASELINE (unverified law)", "BASELINE")}
