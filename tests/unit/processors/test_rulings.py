"""A report is decided again: who newly should have it gets it, who should not gives it back, and nobody else hears."""

from collections.abc import Iterable
from pathlib import Path
from typing import cast

import pytest
from msgspec import structs

from processors.answering import Answered, prior_of
from processors.index.memory import MemoryIndex
from processors.index.port import PriorRecipient
from processors.referring import Desk
from processors.triage import Tools, TriageStages
from schemas.records.answers import Status, StatusKind
from schemas.records.identifiers import CountryCode, MemberId, ReportId
from schemas.records.report import Label, ReportSubmitted, SharingChoices, Withdrawal
from schemas.records.ruling import RECALLED, Amendment, Ruling, RulingCause
from schemas.records.triage import ReportTriaged
from schemas.records.values import Coordinate, Instant
from schemas.topics import RULINGS, TRIAGED, submitted_topic
from tests.builders.identity import KEYS, VEIL
from tests.builders.promotions import a_chancery, another_bundle
from tests.builders.reports import NOON_MS, a_hosting, a_report, a_withdrawal, an_instant, an_item
from tests.builders.rulings import a_ruling
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.amendments import Findings
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.standings import Standing
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord, Slice

CODEC = RecordCodec(FixedDirectory())
MEMBER, LEAVING = MemberId("plat-a"), MemberId("nl-hotline")
INSTANT_MS = 1_795_000_000_000


class Found(Findings):
    """What was found out, by report, and what was known before an answer, by return."""

    def __init__(self) -> None:
        self.known: dict[ReportId, tuple[Amendment, ...]] = {}
        self.known_before: dict[str, tuple[Amendment, ...]] = {}

    def latest(self, reports: Iterable[ReportId]) -> dict[ReportId, tuple[Amendment, ...]]:
        return {report: self.known[report] for report in reports if report in self.known}

    def before(self, returns: Iterable[str]) -> dict[str, tuple[Amendment, ...]]:
        return {each: self.known_before[each] for each in returns if each in self.known_before}


class Exchange:
    """Triage whose rules change at an instant, after which a Dutch hotline takes no part."""

    def __init__(self, folder: Path) -> None:
        chancery = a_chancery(folder)
        chancery.promoted(another_bundle(folder / "new", LEAVING), INSTANT_MS)
        self.rules = chancery.policies()
        self.holders: dict[ReportId, dict[MemberId, PriorRecipient]] = {}
        self.log: dict[tuple[str, int], RawRecord] = {}
        desk = Desk(bundle=self.rules.at(0), keys=KEYS, personal_schema_id=8)
        self.standing = Standing()
        self.found = Found()
        tools = Tools(
            desk=desk,
            veil=VEIL,
            codec=CODEC,
            policies=self.rules,
            look_up=self.look_up,
            standings=lambda: self.standing,
            findings=self.found,
        )
        index = MemoryIndex(lambda report: tuple(self.holders.get(report, {}).values()))
        self.stages = TriageStages(tools, index, cast(Database, None), {})

    def look_up(self, places: Iterable[Coordinate]) -> dict[Coordinate, RawRecord]:
        found = ((place, self.log.get((place.topic, place.offset))) for place in places)
        return {place: record for place, record in found if record is not None}

    def take(self, *records: ReportSubmitted | Withdrawal | Ruling | bytes, at_ms: int) -> tuple[Answered, ...]:
        is_ruling = isinstance(records[0], Ruling | bytes)
        topic = RULINGS if is_ruling else submitted_topic(MEMBER)
        first = sum(1 for known, _ in self.log if known == topic)
        raw = tuple(
            RawRecord(
                offset=first + n,
                timestamp_ms=at_ms,
                key=b"k",
                value=record if isinstance(record, bytes) else CODEC.dumps(record),
                headers=(),
            )
            for n, record in enumerate(records)
        )
        self.log |= {(topic, one.offset): one for one in raw}
        return self.run(Slice(topic_id="id", topic=topic, partition=0, records=raw))

    def run(self, piece: Slice) -> tuple[Answered, ...]:
        answers = self.stages.finish(self.stages.claim(self.stages.decide(piece))).answers
        for made in (made for answer in answers for made in answer.referrals):
            held = self.holders.setdefault(made.report_id, {})
            if made.withdrawn:
                held.pop(made.recipient, None)
            else:
                held[made.recipient] = prior_of(made)
        return answers


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path)


SOURCE = Coordinate(topic_id="id", topic=submitted_topic(MEMBER), partition=0, offset=0)


def triaged(answer: Answered) -> ReportTriaged:
    (record,) = [record for record in answer.records if record.topic == TRIAGED]
    found = CODEC.loads(record.value, ReportTriaged)
    assert isinstance(found, ReportTriaged)
    return found


def members(answer: Answered, *, recalled: bool) -> set[str]:
    return {made.recipient for made in answer.referrals if made.withdrawn is recalled}


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


def a_recall() -> Ruling:
    return a_ruling(a_report(), SOURCE, cause=RulingCause.RECALLED, occasion="recalled", submitter_reference="case-1")


def told(answer: Answered, kind: StatusKind) -> dict[str, Status]:
    """By member."""
    found = (CODEC.loads(one.value, Status) for one in answer.records if one.topic.startswith("status."))
    return {one.member: one for one in found if one.kind is kind}


def test_the_exchange_takes_a_report_back_from_everybody_and_tells_each_on_its_status_topic(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_recall(), at_ms=INSTANT_MS)
    assert answer.outcome is Outcome.WITHDRAWN
    assert members(answer, recalled=True) == members(first, recalled=False) != set()
    notices = told(answer, StatusKind.RECALL)
    assert {name: one.referral_id for name, one in notices.items()} == {
        made.recipient: made.referral_id for made in answer.referrals
    }
    assert {(one.revision, one.ruling, one.code) for one in notices.values()} == {(RECALLED, 0, "recall.withdrawn")}
    assert told(answer, StatusKind.WITHDRAWN)[MEMBER].code == "recall.by_exchange"
    assert (answer.ruling, answer.record) != (None, None)


def test_it_takes_back_what_lies_on_no_topic_any_more(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.log.clear()
    (answer,) = exchange.take(a_recall(), at_ms=INSTANT_MS)
    assert members(answer, recalled=True) == members(first, recalled=False)


@pytest.mark.parametrize(
    "later",
    [
        a_report(revision=2, platform="another"),
        a_report(revision=RECALLED - 1, platform="another"),
        a_withdrawal(revision=3),
        a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL, occasion="label:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.MOVED, occasion="moved:1"),
        a_ruling(a_report(), SOURCE, chosen=(MemberId("fr-police"),), occasion="queue:1"),
        a_ruling(a_report(), SOURCE, cause=RulingCause.LABEL_RECALLED, occasion="label_recalled:1"),
    ],
)
def test_what_the_exchange_took_back_is_routed_by_nothing_that_comes_later(
    exchange: Exchange, later: ReportSubmitted | Withdrawal | Ruling
) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.take(a_recall(), at_ms=INSTANT_MS)
    (answer,) = exchange.take(later, at_ms=INSTANT_MS + 1)
    assert (answer.outcome, answer.referrals) == (Outcome.STALE, ())
    assert exchange.holders[a_report().report_id] == {}


def test_in_one_slice_with_a_recall_no_ruling_gives_the_report_to_anybody(exchange: Exchange) -> None:
    (first,) = exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    stand = tuple(sorted(members(first, recalled=False)))
    added = a_ruling(a_report(), SOURCE, chosen=(MemberId("fr-police"),), unchanged=stand)
    late = a_ruling(a_report(), SOURCE, occasion="late")
    answers = exchange.take(added, a_recall(), late, at_ms=INSTANT_MS)
    assert [members(one, recalled=False) for one in answers] == [set(), set(), set()]
    assert members(answers[1], recalled=True) == set(stand)


def test_a_recall_said_again_recalls_nobody_twice(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    exchange.take(a_recall(), at_ms=INSTANT_MS)
    (again,) = exchange.take(a_recall(), at_ms=INSTANT_MS + 1)
    assert again.referrals == ()
    assert told(again, StatusKind.RECALL) == {}


def test_whoever_has_a_label_that_is_taken_back_gets_a_copy_without_it_and_is_told(exchange: Exchange) -> None:
    item = an_item(hosting=a_hosting())
    report = a_report(items=(item,))
    exchange.take(report, at_ms=INSTANT_MS - 1)
    label = Amendment(content_id=item.content_id, classification="not_illegal")
    exchange.found.known[report.report_id] = (label,)
    (labelled,) = exchange.take(a_ruling(report, SOURCE, cause=RulingCause.LABEL, occasion="label:1"), at_ms=INSTANT_MS)
    exchange.found.known.clear()
    recall = a_ruling(report, SOURCE, cause=RulingCause.LABEL_RECALLED, occasion="label_recalled:1")
    (answer,) = exchange.take(recall, at_ms=INSTANT_MS + 1)
    had = {made.recipient for made in labelled.referrals if not made.withdrawn}
    notices = told(answer, StatusKind.RECALL)
    assert had
    assert had <= notices.keys()
    assert {(one.ruling, one.code) for one in notices.values()} == {(2, "recall.label")}
    words = {label.label for made in answer.referrals for each in made.items for label in each.labels}
    assert "not_illegal" not in words


def test_a_correction_that_concerns_others_tells_whoever_loses_it_on_its_status_topic(exchange: Exchange) -> None:
    exchange.take(a_report(), at_ms=INSTANT_MS - 1)
    (answer,) = exchange.take(a_ruling(a_report(), SOURCE), at_ms=INSTANT_MS)
    assert {name: one.code for name, one in told(answer, StatusKind.RECALL).items()} == {
        LEAVING: "recall.no_longer_concerned"
    }
