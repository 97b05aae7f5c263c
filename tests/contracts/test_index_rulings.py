"""Both indexes answer alike about rulings: each is numbered once, and knows what was decided before it."""

from uuid import uuid4

from msgspec import structs

from processors.index.port import Index, Knowledge, RulingClaim
from schemas.records.identifiers import ReportId
from schemas.records.ruling import Ruling
from schemas.records.values import Coordinate
from tests.builders.claims import A, B, a_claim, a_source, claim_one

PLACE = Coordinate(topic_id=a_source().topic_id, topic=a_source().topic, partition=a_source().partition)


def a_ruling_claim(report: ReportId, offset: int = 0, name: str = "ruling") -> RulingClaim:
    ruling = Ruling(ruling_id=f"{name} {report}", report_id=report, submitter=A, source=Coordinate())
    return RulingClaim(log_offset=offset, ruling=ruling)


def test_rulings_on_a_revision_are_counted_and_a_replay_gets_its_own_number(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claim_one(index, a_claim(0, report_id=report))
    claims = (a_ruling_claim(report, 0), a_ruling_claim(report, 1, "another"))
    ruled = index.rule(a_source(1), claims)
    assert [(one.number, one.is_stale) for one in ruled] == [(1, False), (2, False)]
    assert index.rule(a_source(1), claims) == ruled


def test_a_ruling_knows_whom_earlier_ones_added_and_no_later_one_whatever_is_claimed_when(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claim_one(index, a_claim(0, report_id=report))
    plain = [a_ruling_claim(report, offset, f"ruling-{offset}") for offset in range(3)]
    first, second, third = (
        structs.replace(one, ruling=structs.replace(one.ruling, chosen=chosen))
        for one, chosen in zip(plain, ((B,), (A, B), ()), strict=True)
    )
    ruled = index.rule(a_source(1), (first, second))
    assert [one.chosen for one in ruled] == [(), (B,)]
    assert [one.chosen for one in index.rule(a_source(1), (third,))] == [(B, A)]
    assert index.rule(a_source(1), (first, second)) == ruled


def test_a_ruling_on_a_later_revision_does_not_wait_for_itself(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claims = [a_claim(revision - 1, report_id=report, revision=revision) for revision in (1, 2)]
    for claim in claims:
        claim_one(index, claim)
    plain = a_ruling_claim(report)
    again = structs.replace(plain, ruling=structs.replace(plain.ruling, revision=2, source=PLACE), again=claims[1])
    for _ in range(2):
        (ruled,) = index.rule(a_source(1), (again,))
        assert ruled.known == Knowledge()


def test_what_a_ruling_is_about_is_answered_as_it_was_when_it_came_in(index: Index) -> None:
    first, second = (a_claim(n, near=(bytes(31) + bytes([n]),)) for n in range(2))
    before = [claim_one(index, claim) for claim in (first, second)]
    claim_one(index, a_claim(2, member=B, near=(bytes(32),)))
    plain = [a_ruling_claim(one.report_id, offset) for offset, one in enumerate((first, second))]
    rulings = tuple(
        structs.replace(one, ruling=structs.replace(one.ruling, source=PLACE), again=claim)
        for one, claim in zip(plain, (first, second), strict=True)
    )
    for _ in range(2):
        assert [one.known for one in index.rule(a_source(1), rulings)] == before


def test_what_the_exchange_takes_back_is_a_revision_of_its_own(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claim_one(index, a_claim(0, report_id=report), a_source(1))
    taken = a_claim(1, report_id=report, revision=9, withdrawn=True, selectors=())
    (ruled,) = index.rule(a_source(1), (structs.replace(a_ruling_claim(report, 1), taken=taken),))
    assert ruled.known == Knowledge()
    assert claim_one(index, a_claim(2, report_id=report, revision=2), a_source(1)).is_stale


def test_a_ruling_that_was_read_from_elsewhere_before_is_stale(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claim_one(index, a_claim(0, report_id=report))
    index.rule(a_source(1), (a_ruling_claim(report, 0),))
    (again,) = index.rule(a_source(1), (a_ruling_claim(report, 5),))
    assert (again.number, again.is_stale) == (1, True)


def test_a_revision_overtakes_the_rulings_that_come_after_it_and_none_before(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claim_one(index, a_claim(0, report_id=report))
    before = a_ruling_claim(report, 0)
    index.rule(a_source(0), (before,))
    claim_one(index, a_claim(1, report_id=report, revision=2))
    (first,), (later,) = (index.rule(a_source(0), (one,)) for one in (before, a_ruling_claim(report, 1, "later")))
    assert (first.is_stale, later.is_stale) == (False, True)
