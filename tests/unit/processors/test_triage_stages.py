"""The composition of triage over the index in memory: what a slice becomes, record by record."""

from typing import cast

import pytest

from processors.index.memory import MemoryIndex
from processors.referring import Desk
from processors.triage import Finished, Tools, TriageStages
from schemas.framing import frame
from schemas.records.answers import Status
from schemas.records.identifiers import CountryCode, MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.values import Novelty
from schemas.topics import submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_source_url, a_withdrawal, an_instant, an_item
from tocsin.policy.bundle import SAMPLE, load
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.skips import Skips
from tocsin.runtime.ledger.standings import Standing, Standings, nothing_special
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

MEMBER = MemberId("plat-a")
NOW_MS = 1_795_000_000_000
CODEC = RecordCodec(FixedDirectory())


def a_piece(*records: ReportSubmitted | Withdrawal | bytes, first: int = 0) -> Slice:
    values = [record if isinstance(record, bytes) else CODEC.dumps(record) for record in records]
    raw = (
        RawRecord(offset=first + n, timestamp_ms=NOW_MS, key=b"k", value=value, headers=())
        for n, value in enumerate(values)
    )
    return Slice(topic_id="id", topic=submitted_topic(MEMBER), partition=0, records=tuple(raw))


def some_stages(
    skips: Skips | None = None, standings: Standings = nothing_special, index: MemoryIndex | None = None
) -> TriageStages:
    desk = Desk(bundle=load(SAMPLE), keys=KEYS, personal_schema_id=8)
    nowhere = cast(Database, None)  # settling is not what these tests are about
    tools = Tools(desk=desk, veil=VEIL, codec=CODEC, standings=standings)
    return TriageStages(tools, index or MemoryIndex(), nowhere, skips or {})


def finished(*pieces: Slice, skips: Skips | None = None) -> list[Finished]:
    stages = some_stages(skips)
    return [stages.finish(stages.claim(stages.decide(piece))) for piece in pieces]


def outcomes(found: Finished) -> list[Outcome]:
    return [answer.outcome for answer in found.answers]


def referrals(found: Finished) -> list[Referral]:
    return [referral for answer in found.answers for referral in answer.referrals]


def test_a_good_report_is_referred_to_hotline_and_police_of_its_country() -> None:
    (found,) = finished(a_piece(a_report()))
    assert outcomes(found) == [Outcome.ROUTED]
    assert {"nl-hotline", "nl-police"} <= {referral.recipient for referral in referrals(found)}


def test_bad_records_are_refused_each_for_itself_and_the_good_ones_around_them_go_on() -> None:
    whole = CODEC.dumps(a_report())
    future = a_report(submitter_reference="future", detected_at=an_instant(NOW_MS + 100 * 86_400_000))
    foreign = a_report(submitter=MemberId("ngo-b"), submitter_reference="foreign")
    (found,) = finished(
        a_piece(
            a_report(),
            whole[:30],
            frame(987_654) + whole[5:],
            b"",
            b"no frame at all",
            future,
            foreign,
            b"x" * 300_000,
            a_report(submitter_reference="b"),
        )
    )
    codes = [answer.dead_letter.code if answer.dead_letter else "" for answer in found.answers]
    assert codes[0] == codes[-1] == ""
    assert codes[2:8] == [
        "schema.unknown_id",
        "value.empty",
        "value.not_framed",
        "report.date_in_future",
        "report.wrong_submitter",
        "record.too_large",
    ]
    assert codes[1]
    assert all(outcome is Outcome.REFUSED for outcome in outcomes(found)[1:8])


def test_the_same_reference_for_another_case_is_stale_and_nobody_gets_it() -> None:
    first, other = finished(a_piece(a_report()), a_piece(a_report(platform="another"), first=1))
    assert outcomes(first) == [Outcome.ROUTED]
    assert outcomes(other) == [Outcome.STALE]
    assert referrals(other) == []


@pytest.mark.parametrize("late", [a_report(), a_report(revision=2, platform="another"), a_withdrawal(revision=2)])
def test_what_comes_of_an_erased_report_reaches_nobody_leaves_nothing_and_its_submitter_is_told_why(
    late: ReportSubmitted | Withdrawal,
) -> None:
    index = MemoryIndex()
    stages = some_stages(index=index)
    for piece in (a_piece(a_report()), a_piece(late, first=1)):
        found = stages.finish(stages.claim(stages.decide(piece)))
        index.erase(a_report().report_id)
    (answer,) = found.answers
    assert (answer.outcome, answer.referrals, answer.items, answer.unrouted) == (Outcome.STALE, (), (), None)
    assert CODEC.loads(answer.records[-1].value, Status).code == "report.erased"
    if (kept := answer.decision) is not None:
        assert (kept.submitter_reference, kept.retain_until_ms) == ("", None)
        assert (kept.missing, kept.labels, kept.links) == ((), (), ())


def test_a_withdrawal_recalls_what_its_own_slice_referred() -> None:
    (found,) = finished(a_piece(a_report(), a_withdrawal(revision=2, withdrawn_at=an_instant(NOON_MS))))
    assert outcomes(found) == [Outcome.ROUTED, Outcome.WITHDRAWN]
    sent = {referral.recipient for referral in found.answers[0].referrals}
    recalled = {referral.recipient for referral in found.answers[1].referrals}
    assert recalled == sent != set()


def test_a_replayed_slice_makes_the_same_referrals_again() -> None:
    piece = a_piece(a_report(), a_report(submitter_reference="b"))
    first, replayed = finished(piece, piece)
    ids = [referral.referral_id for referral in referrals(first)]
    assert ids == [referral.referral_id for referral in referrals(replayed)]
    assert first.records == replayed.records


def a_moved_report() -> ReportSubmitted:
    """The second revision of the report, which concerns Germany alone."""
    there = a_hosting(country=CountryCode("DE"))
    return a_report(revision=2, source_url=a_source_url(hosting=there), items=(an_item(hosting=there),))


def test_a_correction_recalls_who_is_not_concerned_any_more() -> None:
    moved = a_moved_report()
    (found,) = finished(a_piece(a_report(), moved))
    before = {referral.recipient for referral in found.answers[0].referrals}
    after = {made.recipient for made in found.answers[1].referrals if not made.withdrawn}
    recalled = {made.recipient: made.changes for made in found.answers[1].referrals if made.withdrawn}
    assert set(recalled) == before - after != set()
    assert set(recalled.values()) == {("no_longer_concerned",)}


def test_a_withdrawal_after_a_correction_recalls_only_who_still_has_the_report() -> None:
    moved = a_moved_report()
    (found,) = finished(a_piece(a_report(), moved, a_withdrawal(revision=3)))
    holding = {made.recipient for made in found.answers[1].referrals if not made.withdrawn}
    assert {made.recipient for made in found.answers[2].referrals} == holding


def test_a_record_that_was_set_aside_becomes_a_dead_letter_unread_and_the_rest_goes_on() -> None:
    piece = a_piece(b"whatever halts a worker", a_report(), first=7)
    (found,) = finished(piece, skips={("id", 0): frozenset({7})})
    assert outcomes(found) == [Outcome.SKIPPED, Outcome.ROUTED]
    assert found.answers[0].dead_letter is not None
    assert found.answers[0].dead_letter.code == "triage.skipped"


def test_while_the_index_is_away_only_referrals_go_out_and_say_that_novelty_is_unknown() -> None:
    stages = some_stages()
    _, records = stages.early(stages.decide(a_piece(a_report(), b"bad", a_withdrawal(revision=2))))
    early = [CODEC.loads(record.value, Referral) for record in records]
    assert {referral.novelty for referral in early if isinstance(referral, Referral)} == {Novelty.UNKNOWN}
    (whole,) = finished(a_piece(a_report()))
    assert [made.referral_id for made in early if isinstance(made, Referral)] == [
        made.referral_id for made in referrals(whole)
    ]


def test_what_was_sent_early_counts_as_routed_even_where_a_later_revision_was_claimed_meanwhile() -> None:
    stages = some_stages()
    later = stages.decide(a_piece(a_report(revision=2)))
    sent, _ = stages.early(stages.decide(a_piece(a_report(), first=9)))
    stages.claim(later)
    assert outcomes(stages.finish(stages.claim(sent))) == [Outcome.ROUTED]


def test_a_failure_names_the_record_that_it_was_about() -> None:
    stages = some_stages()
    unreadable = RawRecord(offset=3, timestamp_ms=NOW_MS, key=b"k", value=cast(bytes, 17), headers=())
    with pytest.raises(TypeError) as failed:
        stages.decide(Slice(topic_id="id", topic=submitted_topic(MEMBER), partition=0, records=(unreadable,)))
    assert failed.value.__notes__ == [f"{submitted_topic(MEMBER)}/0/3"]


def run(stages: TriageStages, piece: Slice) -> Finished:
    return stages.finish(stages.claim(stages.decide(piece)))


def test_who_is_suspended_gets_the_next_slice_no_more_and_again_once_that_is_over() -> None:
    barred: dict[MemberId, int] = {}
    stages = some_stages(standings=lambda: Standing(barred=dict(barred)))
    got = []
    for first, names in enumerate([{}, {MemberId("nl-hotline"): NOW_MS}, {}]):
        barred.clear()
        barred.update(names)
        found = run(stages, a_piece(a_report(submitter_reference=f"s-{first}"), first=first))
        got.append("nl-hotline" in {made.recipient for made in referrals(found)})
    assert got == [True, False, True]


@pytest.mark.parametrize(("since_ms", "outcome"), [(NOW_MS + 1, Outcome.ROUTED), (NOW_MS, Outcome.REFUSED)])
def test_a_suspended_submitter_is_refused_from_that_instant_on_and_a_replay_of_before_is_not(
    since_ms: int, outcome: Outcome
) -> None:
    found = run(some_stages(standings=lambda: Standing(barred={MEMBER: since_ms})), a_piece(a_report()))
    assert outcomes(found) == [outcome]
    if outcome is Outcome.REFUSED:
        assert found.answers[0].dead_letter is not None
        assert found.answers[0].dead_letter.code == "report.member_suspended"
