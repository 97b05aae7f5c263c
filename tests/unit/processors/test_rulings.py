"""A report is decided again: who newly should have it gets it, who should not gives it back, and nobody else hears."""

from pathlib import Path

import pytest
from msgspec import structs

from processors.answering import Answered
from schemas.records.answers import Status
from schemas.records.identifiers import CountryCode, MemberId, ReportId
from schemas.records.report import Label, ReportSubmitted, SharingChoices
from schemas.records.ruling import Amendment, RulingCause
from schemas.records.values import Coordinate, Instant
from schemas.topics import RULINGS, TRIAGED
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_withdrawal, an_instant, an_item
from tests.builders.ruled_exchange import CODEC, INSTANT_MS, LEAVING, MEMBER, SOURCE, Exchange, members, triaged
from tests.builders.rulings import a_ruling
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.standings import Standing
from tocsin.runtime.transport.slices import RawRecord, Slice


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


def test_under_new_rules_one_copy_is_recalled_and_the_others_stand(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    stand = tuple(sorted(members(first, recalled=False) - {LEAVING}))
    (again,) = exchange.take(a_ruling(a_report(), SOURCE, unchanged=stand), at_ms=INSTANT_MS)
    assert members(again, recalled=True) == {LEAVING}
    assert members(again, recalled=False).isdisjoint(stand)
    said = triaged(again)
    assert (said.ruling, said.unchanged, said.source) == (1, stand, SOURCE)
    assert said.policy.bundle == exchange.rules.at(INSTANT_MS).digest != triaged(first).policy.bundle
    assert said.novelty == triaged(first).novelty, "it is not a sighting of itself"


def test_without_members_that_stand_everybody_gets_another_copy_with_an_id_of_its_own(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (again,) = exchange.take(a_ruling(a_report(), SOURCE), at_ms=INSTANT_MS)
    assert members(again, recalled=False) >= members(first, recalled=False) - {LEAVING}
    assert {made.ruling for made in again.referrals} == {1}
    assert {m.referral_id for m in again.referrals}.isdisjoint(m.referral_id for m in first.referrals)


def test_a_member_that_is_said_to_have_a_copy_and_has_none_gets_one(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    missing = min(members(first, recalled=False) - {LEAVING})
    exchange.holders[a_report().report_id].pop(MemberId(missing))
    (again,) = exchange.take(a_ruling(a_report(), SOURCE, unchanged=(missing,)), at_ms=INSTANT_MS)
    assert missing in members(again, recalled=False)


def test_the_same_ruling_sent_again_changes_nothing_and_a_replay_of_it_repeats_itself(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    ruling = a_ruling(a_report(), SOURCE)
    raw = RawRecord(offset=0, timestamp_ms=INSTANT_MS, key=b"k", value=CODEC.dumps(ruling), headers=())
    piece = Slice(topic_id="id", topic=RULINGS, partition=0, records=(raw,))
    before = {**exchange.holders[a_report().report_id]}
    (first,) = exchange.run(piece)
    exchange.holders[a_report().report_id] = before  # the process died before it was settled
    (replayed,) = exchange.run(piece)
    assert replayed.records == first.records
    moved = structs.replace(raw, offset=1)
    elsewhere = Slice(topic_id="id", topic=RULINGS, partition=0, records=(moved,))
    (again,) = exchange.run(elsewhere)
    assert (again.outcome, again.records) == (Outcome.STALE, ())


def test_a_later_revision_overtakes_a_ruling(exchange: Exchange) -> None:
    exchange.take(a_report(), a_report(revision=2, platform="another"), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_ruling(a_report(), SOURCE), at_ms=INSTANT_MS)
    assert (answer.outcome, answer.referrals) == (Outcome.STALE, ())


def test_a_withdrawn_report_is_given_to_nobody_again(exchange: Exchange) -> None:
    exchange.take(a_report(), a_withdrawal(revision=2), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_ruling(a_report(), SOURCE), at_ms=INSTANT_MS)
    assert (answer.outcome, answer.referrals) == (Outcome.STALE, ())


def test_a_second_ruling_in_the_same_slice_sees_what_the_first_one_did(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    first, second = exchange.take(
        a_ruling(a_report(), SOURCE), a_ruling(a_report(), SOURCE, occasion="another"), at_ms=INSTANT_MS
    )
    assert (triaged(first).ruling, triaged(second).ruling) == (1, 2)
    assert members(first, recalled=True) == {LEAVING}
    assert members(second, recalled=True) == set()


def test_a_person_adds_a_member_and_none_that_takes_no_part(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    chosen = (MemberId("fr-police"), LEAVING, MemberId("nobody"), MEMBER)
    (answer,) = exchange.take(a_ruling(a_report(), SOURCE, chosen=chosen), at_ms=INSTANT_MS)
    assert MemberId("fr-police") in members(answer, recalled=False)
    assert members(answer, recalled=False).isdisjoint(chosen[1:])
    by = {recipient.member: recipient.rules for recipient in triaged(answer).recipients}
    assert by[MemberId("fr-police")] == ("person.chosen",)


def test_the_submitter_is_told_of_each_decision_once(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (again,) = exchange.take(a_ruling(a_report(), SOURCE), at_ms=INSTANT_MS)
    told = [CODEC.loads(answer.records[-1].value, Status) for answer in (first, again)]
    assert len({status.status_id for status in told if isinstance(status, Status)}) == 2


@pytest.mark.parametrize(
    ("source", "code"),
    [(Coordinate(topic=SOURCE.topic, offset=99), "ruling.record_gone"), (SOURCE, "ruling.another_record")],
)
def test_a_ruling_on_what_is_not_there_is_a_dead_letter_and_tells_no_member(
    source: Coordinate, code: str, exchange: Exchange
) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_ruling(a_report(submitter_reference="another"), source), at_ms=INSTANT_MS)
    assert answer.outcome is Outcome.REFUSED
    assert answer.dead_letter is not None
    assert answer.dead_letter.code == code
    assert [record.topic for record in answer.records] == [f"dlq.{RULINGS}"]


def test_what_is_no_ruling_is_a_dead_letter(exchange: Exchange) -> None:
    (answer,) = exchange.take(b"no ruling", at_ms=INSTANT_MS)
    assert answer.outcome is Outcome.REFUSED


def test_no_person_goes_against_what_the_submitter_refused(exchange: Exchange) -> None:
    report = a_report(sharing=SharingChoices(deny_members=(MemberId("fr-police"),)))
    exchange.take(report, at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_ruling(report, SOURCE, chosen=(MemberId("fr-police"),)), at_ms=INSTANT_MS)
    assert "fr-police" not in members(answer, recalled=False)
    assert ("fr-police", "route.submitter_denies_member") in {(r.member, r.rule) for r in triaged(answer).refusals}


def test_what_is_closed_goes_to_nobody_else_and_whoever_has_it_keeps_it(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    have = tuple(sorted(members(first, recalled=False)))
    exchange.holders[a_report().report_id].pop(LEAVING)
    ruling = a_ruling(a_report(), SOURCE, closed=True, unchanged=tuple(name for name in have if name != LEAVING))
    (answer,) = exchange.take(ruling, at_ms=INSTANT_MS)
    assert answer.referrals == ()
    assert answer.ruling == ruling
    assert triaged(answer).waiting_reasons == ()


def test_what_nobody_got_and_a_person_closes_has_no_recipient_and_its_submitter_is_told_why(
    exchange: Exchange,
) -> None:
    report = a_report(
        source_url=None, items=(), sharing=SharingChoices(deny_sectors=("hotline", "lea", "international"))
    )
    (first,) = exchange.take(report, at_ms=INSTANT_MS - 1)
    assert first.outcome is Outcome.WAITING_PERSON
    (answer,) = exchange.take(a_ruling(report, SOURCE, closed=True), at_ms=INSTANT_MS)
    told = CODEC.loads(answer.records[-1].value, Status)
    assert isinstance(told, Status)
    assert (answer.outcome, told.code) == (Outcome.NO_RECIPIENT, "queue.closed")


def test_a_moved_item_goes_to_the_country_where_it_lies_now_and_the_old_one_is_told(exchange: Exchange) -> None:
    report = a_report(source_url=None, items=(an_item(hosting=a_hosting(country=CountryCode("FR"))),))
    (first,) = exchange.take(report, at_ms=INSTANT_MS - 1)
    assert members(first, recalled=False) == {"fr-hotline", "fr-police"}
    moved = Amendment(content_id=report.items[0].content_id, hosting_country=CountryCode("DE"))
    (answer,) = exchange.take(a_ruling(report, SOURCE, amendments=(moved,)), at_ms=INSTANT_MS)
    assert members(answer, recalled=False) == {"de-hotline-a", "de-police"}
    assert members(answer, recalled=True) == {"fr-hotline", "fr-police"}
    copy = next(made for made in answer.referrals if made.recipient == "de-hotline-a")
    assert copy.items[0].hosting is not None
    assert copy.items[0].hosting.country == "DE"


def test_whoever_rules_next_knows_nothing_of_a_move_and_does_not_undo_it(exchange: Exchange) -> None:
    report = a_report(source_url=None, items=(an_item(hosting=a_hosting(country=CountryCode("FR"))),))
    exchange.take(report, at_ms=INSTANT_MS - 1)
    moved = Amendment(content_id=report.items[0].content_id, hosting_country=CountryCode("DE"))
    exchange.found.known[report.report_id] = (moved,)
    (answer,) = exchange.take(a_ruling(report, SOURCE, chosen=(MemberId("be-police"),)), at_ms=INSTANT_MS)
    assert {"de-hotline-a", "de-police"} <= members(answer, recalled=False)
    assert members(answer, recalled=True) == {"fr-hotline", "fr-police"}


def a_french_report(*labels: str) -> ReportSubmitted:
    words = tuple(Label(scheme="industry", label=label) for label in labels)
    return a_report(source_url=None, items=(an_item(hosting=a_hosting(country=CountryCode("FR")), labels=words),))


def test_whom_a_person_added_keeps_the_report_when_it_moves(exchange: Exchange) -> None:
    report, added = a_french_report(), MemberId("nl-police")
    exchange.take(report, at_ms=INSTANT_MS - 1)
    exchange.take(a_ruling(report, SOURCE, occasion="queue:1", chosen=(added,)), at_ms=INSTANT_MS)
    moved = Amendment(content_id=report.items[0].content_id, hosting_country=CountryCode("DE"))
    ruling = a_ruling(report, SOURCE, cause=RulingCause.MOVED, occasion="moved:r0", amendments=(moved,))
    (answer,) = exchange.take(ruling, at_ms=INSTANT_MS)
    assert members(answer, recalled=False) == {"de-hotline-a", "de-police", added}
    assert members(answer, recalled=True) == {"fr-hotline", "fr-police"}


def test_of_two_rulings_in_one_slice_the_second_keeps_whom_the_first_added_and_a_replay_says_the_same(
    exchange: Exchange,
) -> None:
    report, added = a_french_report(), MemberId("nl-police")
    exchange.take(report, at_ms=INSTANT_MS - 1)
    first, second = exchange.take(
        a_ruling(report, SOURCE, occasion="queue:1", chosen=(added,)),
        a_ruling(report, SOURCE, occasion="another"),
        at_ms=INSTANT_MS,
    )
    assert added in members(first, recalled=False)
    assert members(second, recalled=True) == set()
    assert added in members(second, recalled=False)


def test_of_two_slices_that_are_decided_ahead_the_second_keeps_whom_the_first_added(exchange: Exchange) -> None:
    report, added = a_french_report(), MemberId("nl-police")
    exchange.take(report, at_ms=INSTANT_MS - 1)
    rulings = (a_ruling(report, SOURCE, chosen=(added,)), a_ruling(report, SOURCE, occasion="another"))
    raw = [
        RawRecord(offset=n, timestamp_ms=INSTANT_MS, key=b"k", value=CODEC.dumps(ruling), headers=())
        for n, ruling in enumerate(rulings)
    ]
    stages = exchange.stages
    ahead = [stages.decide(Slice(topic_id="id", topic=RULINGS, partition=0, records=(one,))) for one in raw]
    ((first,), (second,)) = (stages.finish(stages.claim(one)).answers for one in ahead)
    assert added in members(first, recalled=False)
    assert added in members(second, recalled=False)
    assert added not in members(stages.finish(stages.claim(ahead[0])).answers[0], recalled=True), "a replay"


def test_whom_a_later_ruling_adds_is_not_in_the_replay_of_an_earlier_one(exchange: Exchange) -> None:
    report, added = a_french_report(), MemberId("nl-police")
    exchange.take(report, at_ms=INSTANT_MS - 1)
    exchange.take(
        a_ruling(report, SOURCE), a_ruling(report, SOURCE, occasion="queue:1", chosen=(added,)), at_ms=INSTANT_MS
    )
    piece = Slice(topic_id="id", topic=RULINGS, partition=0, records=(exchange.log[RULINGS, 0],))
    (again,) = exchange.run(piece)
    assert added not in members(again, recalled=False)


@pytest.mark.parametrize(
    ("checked_at", "country"), [(None, "de"), (an_instant(NOON_MS), "de"), (an_instant(NOON_MS + 2), "fr")]
)
def test_a_later_revision_that_names_the_old_host_undoes_a_move_only_if_somebody_has_looked_since(
    checked_at: Instant | None, country: str, exchange: Exchange
) -> None:
    report = a_french_report()
    exchange.take(report, at_ms=INSTANT_MS - 1)
    item = report.items[0].content_id
    moved = Amendment(content_id=item, hosting_country=CountryCode("DE"), moved_at=an_instant(NOON_MS + 1))
    exchange.found.known[report.report_id] = (moved,)
    exchange.take(a_ruling(report, SOURCE, amendments=(moved,)), at_ms=INSTANT_MS)
    hosting = a_hosting(country=CountryCode("FR"), checked_at=checked_at)
    items = (structs.replace(report.items[0], hosting=hosting),)
    (answer,) = exchange.take(structs.replace(report, revision=2, items=items), at_ms=INSTANT_MS)
    assert {made.jurisdiction for made in answer.referrals if not made.withdrawn} == {country}
    assert {made.jurisdiction for made in answer.referrals if made.withdrawn} == {"de"} - {country}


def assessed(exchange: Exchange, report: ReportSubmitted, *words: str) -> Answered:
    """Triage again after the last of these assessments of the first item."""
    item = report.items[0].content_id
    found = [(Amendment(content_id=item, classification=word),) for word in words]
    exchange.found.known = {report.report_id: found[-1]}
    exchange.found.known_before = {f"r{number}": known for number, known in enumerate(found, 1)}
    occasion = f"label:r{len(words) - 1}"
    ruling = a_ruling(report, SOURCE, cause=RulingCause.LABEL, occasion=occasion, amendments=found[-1])
    (answer,) = exchange.take(ruling, at_ms=INSTANT_MS)
    return answer


def test_a_first_assessment_that_changes_nothing_for_anybody_sends_nothing(exchange: Exchange) -> None:
    report = a_french_report("A1")
    (first,) = exchange.take(report, at_ms=INSTANT_MS - 1)
    answer = assessed(exchange, report, "baseline")
    assert answer.referrals == ()
    assert triaged(answer).unchanged == tuple(sorted(members(first, recalled=False)))
    assert [record.topic for record in answer.records] == [TRIAGED], "the submitter was told of the answer itself"


def test_a_first_assessment_that_settles_the_verdict_goes_to_everybody_who_has_the_report(exchange: Exchange) -> None:
    report = a_french_report()
    (first,) = exchange.take(report, at_ms=INSTANT_MS - 1)
    answer = assessed(exchange, report, "baseline")
    assert members(answer, recalled=False) == members(first, recalled=False)


@pytest.mark.parametrize(("labels", "reason"), [((), "route.undetermined"), (("A1",), "route.conflict")])
def test_a_first_assessment_as_not_illegal_is_told_and_a_person_looks_at_it(
    labels: tuple[str, ...], reason: str, exchange: Exchange
) -> None:
    report = a_french_report(*labels)
    (first,) = exchange.take(report, at_ms=INSTANT_MS - 1)
    answer = assessed(exchange, report, "not_illegal")
    assert members(answer, recalled=False) == members(first, recalled=False)
    assert triaged(answer).waiting_reasons == (reason,)


def test_an_assessment_that_replaces_another_goes_to_everybody_who_has_the_report(exchange: Exchange) -> None:
    report = a_french_report("A1")
    (first,) = exchange.take(report, at_ms=INSTANT_MS - 1)
    assert assessed(exchange, report, "baseline").referrals == ()
    answer = assessed(exchange, report, "baseline", "national")
    assert members(answer, recalled=False) == members(first, recalled=False)


def test_while_police_hold_notices_the_hotline_reads_that_and_once_they_do_not_that_one_is_proposed(
    exchange: Exchange,
) -> None:
    report = a_report(source_url=None, items=(an_item(hosting=a_hosting(country=CountryCode("FR"))),))
    exchange.take(report, at_ms=INSTANT_MS - 1)
    found = []
    for occasion, held in (("set", frozenset({report.report_id})), ("released", frozenset[ReportId]())):
        exchange.standing = Standing(held=held)
        (answer,) = exchange.take(
            a_ruling(report, SOURCE, occasion=occasion, unchanged=(MemberId("fr-police"),)), at_ms=INSTANT_MS
        )
        (copy,) = answer.referrals
        found.append((copy.recipient, [flag for flag in copy.flags if flag.startswith("notice.")]))
    assert found == [("fr-hotline", ["notice.held"]), ("fr-hotline", ["notice.proposed"])]
