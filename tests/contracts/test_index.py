"""Both indexes answer alike: a claim informs, a replay gets the same answer, and nobody is a sighting of himself."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from sqlalchemy import Connection, text

from processors.index.disputes import Dispute, dispute
from processors.index.memory import MemoryIndex
from processors.index.port import (
    MAX_DISTANCE,
    Index,
    Knowledge,
    NearSighting,
    Selected,
    Sighting,
)
from processors.index.postgres import PostgresIndex
from schemas.records.identifiers import MemberId, ReportId
from schemas.records.triage import LinkState
from tests.builders.claims import A, B, a_claim, a_selector, a_source, claim_one
from tests.contracts.conftest import emptied
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.ledger.erasing import erase
from tocsin.runtime.ledger.subjects import carrying
from tocsin.runtime.settings import load


def test_the_first_report_of_a_content_has_no_sighting(index: Index) -> None:
    assert claim_one(index, a_claim()) == Knowledge()


def test_a_later_report_learns_who_was_first(index: Index) -> None:
    first = a_claim(0)
    claim_one(index, first)
    later = claim_one(index, a_claim(1, member=B))
    assert later.sightings == (Sighting(a_selector(), A, first.report_id),)


def test_a_replay_gets_the_same_answer_whatever_came_after(index: Index) -> None:
    first = a_claim(0)
    before = claim_one(index, first)
    claim_one(index, a_claim(1, member=B))
    assert claim_one(index, first) == before


def test_a_report_is_no_sighting_of_itself_in_any_revision(index: Index) -> None:
    first = a_claim(0)
    claim_one(index, first)
    revised = claim_one(index, a_claim(1, report_id=first.report_id, revision=2, digest=b"changed"))
    assert revised.sightings == ()


def test_an_earlier_record_of_the_same_slice_is_seen_and_a_later_one_is_not(index: Index) -> None:
    first, second = a_claim(0), a_claim(1, member=B)
    answers = index.claim(a_source(), (first, second))
    assert [len(answer.sightings) for answer in answers] == [0, 1]


def test_one_member_counts_once_however_often_it_reports(index: Index) -> None:
    for offset in range(3):
        claim_one(index, a_claim(offset))
    assert len(claim_one(index, a_claim(9, member=B)).sightings) == 1


def test_a_lower_revision_than_the_latest_known_is_stale(index: Index) -> None:
    report = ReportId(str(uuid4()))
    assert not claim_one(index, a_claim(0, report_id=report, revision=3)).is_stale
    assert claim_one(index, a_claim(1, report_id=report, revision=2)).is_stale


def test_a_revision_does_not_become_stale_by_its_successor(index: Index) -> None:
    report = ReportId(str(uuid4()))
    first = a_claim(0, report_id=report)
    claim_one(index, first)
    claim_one(index, a_claim(1, report_id=report, revision=2))
    assert not claim_one(index, first).is_stale


def test_a_revision_that_is_sent_again_after_its_successor_is_stale(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claim_one(index, a_claim(0, report_id=report))
    assert not claim_one(index, a_claim(1, report_id=report)).is_stale
    claim_one(index, a_claim(2, report_id=report, revision=2))
    assert claim_one(index, a_claim(3, report_id=report)).is_stale
    assert not claim_one(index, a_claim(4, report_id=report, revision=2)).is_stale


def test_what_is_sent_again_is_stale_only_behind_its_successor_in_one_slice_too(index: Index) -> None:
    report = ReportId(str(uuid4()))
    claims = tuple(a_claim(n, report_id=report, revision=revision) for n, revision in enumerate((1, 1, 2, 1)))
    assert [known.is_stale for known in index.claim(a_source(), claims)] == [False, False, False, True]


def test_the_same_revision_from_another_coordinate_is_a_resubmission(index: Index) -> None:
    first = a_claim(0)
    claim_one(index, first)
    again = claim_one(index, a_claim(7, report_id=first.report_id))
    assert (again.is_resubmission, again.is_conflicting) == (True, False)


def test_a_revision_number_used_for_another_content_is_a_conflict(index: Index) -> None:
    first = a_claim(0)
    claim_one(index, first)
    other = claim_one(index, a_claim(7, report_id=first.report_id, digest=b"another case"))
    assert (other.is_resubmission, other.is_conflicting) == (False, True)


def test_the_same_offset_of_another_partition_is_another_coordinate(index: Index) -> None:
    first = a_claim(0)
    claim_one(index, first, a_source(0))
    assert claim_one(index, first, a_source(1)).is_resubmission


def test_a_sighting_says_what_it_is_bound_to_and_whether_its_report_still_stands(index: Index) -> None:
    bound = a_claim(0, selectors=(Selected(a_selector(), b"bound"),))
    claim_one(index, bound)
    standing = claim_one(index, a_claim(1, member=B))
    assert [(sighting.bound, sighting.state) for sighting in standing.sightings] == [(b"bound", LinkState.STANDS)]
    claim_one(index, a_claim(2, report_id=bound.report_id, revision=2, withdrawn=True, selectors=()))
    after = claim_one(index, a_claim(3, member=MemberId("nl-hotline")))
    states = {sighting.report_id: sighting.state for sighting in after.sightings}
    assert states[bound.report_id] is LinkState.RETRACTED


def test_what_is_withdrawn_later_stood_when_it_was_met(index: Index) -> None:
    first, second = a_claim(0), a_claim(1, member=B)
    claim_one(index, first)
    before = claim_one(index, second)
    claim_one(index, a_claim(2, report_id=first.report_id, revision=2, withdrawn=True, selectors=()))
    assert claim_one(index, second) == before


def test_a_later_report_of_the_same_member_stands_in_for_one_that_is_taken_back(index: Index) -> None:
    first, second = a_claim(0), a_claim(1)
    claim_one(index, first)
    claim_one(index, second)
    claim_one(index, a_claim(2, report_id=first.report_id, revision=2, withdrawn=True, selectors=()))
    (sighting,) = claim_one(index, a_claim(3, member=B)).sightings
    assert (sighting.report_id, sighting.state) == (second.report_id, LinkState.STANDS)


def test_one_that_is_reported_again_after_all_were_taken_back_stands(index: Index) -> None:
    for offset in range(0, 8, 2):
        claim = a_claim(offset)
        claim_one(index, claim)
        back = a_claim(offset + 1, report_id=claim.report_id, revision=2, withdrawn=True, selectors=())
        claim_one(index, back)
    (fallen,) = claim_one(index, a_claim(8, member=B)).sightings
    assert fallen.state is LinkState.RETRACTED
    again = a_claim(9)
    claim_one(index, again)
    later = claim_one(index, a_claim(10, member=MemberId("nl-hotline")))
    assert {sighting.member: sighting.report_id for sighting in later.sightings}[A] == again.report_id


def test_a_disputed_report_is_shown_so_to_whoever_comes_later_and_a_replay_answers_as_before(
    index: Index, request: pytest.FixtureRequest
) -> None:
    first, second = a_claim(0), a_claim(1, member=B)
    claim_one(index, first)
    before = claim_one(index, second)
    dispute_it(index, first.report_id, request)
    assert claim_one(index, second) == before
    later = claim_one(index, a_claim(2, member=MemberId("nl-hotline")))
    states = {sighting.report_id: sighting.state for sighting in later.sightings}
    assert states == {first.report_id: LinkState.DISPUTED, second.report_id: LinkState.STANDS}


def erase_it(index: Index, report: ReportId, request: pytest.FixtureRequest) -> None:
    if isinstance(index, MemoryIndex):
        index.erase(report)
        return
    owner = database_of(load(request.getfixturevalue("stack").config("ops")))
    with owner.transaction() as connection:
        assert erase(connection, report)
    owner.close()


@pytest.mark.parametrize(("revision", "digest"), [(1, b"content"), (1, b"another"), (2, b"corrected")])
def test_nothing_of_an_erased_report_is_kept_again_whatever_its_submitter_sends(
    index: Index, request: pytest.FixtureRequest, revision: int, digest: bytes
) -> None:
    first = a_claim(0, near=(a_vector(),))
    claim_one(index, first)
    erase_it(index, first.report_id, request)
    late = structs.replace(first, log_offset=1, revision=revision, digest=digest)
    assert claim_one(index, late) == claim_one(index, late) == Knowledge(is_stale=True, is_erased=True)
    other = claim_one(index, a_claim(2, member=B, near=(a_vector(),)))
    assert (other.sightings, other.near) == ((), ())


def carriers(index: Index, selector: bytes, request: pytest.FixtureRequest) -> set[ReportId]:
    if isinstance(index, MemoryIndex):
        return index.carrying(selector)
    with owned(request.getfixturevalue("stack")) as connection:
        return {one.report_id for one in carrying(connection, [selector])}


@contextmanager
def owned(stack: Any) -> Iterator[Connection]:
    owner = database_of(load(stack.config("ops")))
    with owner.transaction() as connection:
        yield connection
    owner.close()


@pytest.mark.parametrize("slice_records", [1, 2, 5])
def test_every_report_that_carries_a_selector_is_found_and_what_is_erased_takes_none_of_the_others_with_it(
    index: Index, request: pytest.FixtureRequest, slice_records: int
) -> None:
    claims = tuple(a_claim(offset) for offset in range(5))
    for start in range(0, len(claims), slice_records):
        index.claim(a_source(), claims[start : start + slice_records])
    index.claim(a_source(), claims)  # once more, as a replay or a ruling does
    mine = [claim.report_id for claim in claims]
    assert carriers(index, a_selector(), request) == set(mine)
    assert len(claim_one(index, a_claim(9, member=B, selectors=(Selected(a_selector()),))).sightings) == 1
    for report in mine[:2]:
        erase_it(index, report, request)
    assert carriers(index, a_selector(), request) >= set(mine[2:])
    assert not carriers(index, a_selector(), request) & set(mine[:2])
    erase_it(index, mine[4], request)
    index.claim(a_source(), (structs.replace(claims[4], log_offset=11, revision=2),))
    assert carriers(index, a_selector(), request) & set(mine) == set(mine[2:4]), "what is erased stays so"


@pytest.mark.stack
def test_what_claims_learn_of_is_written_once_and_the_others_beside_it(stack: Any, database: Database) -> None:
    index, claims = PostgresIndex(emptied(database, stack)), tuple(a_claim(offset) for offset in range(3))
    for piece in (claims[:2], claims[:2], claims, claims):
        index.claim(a_source(), piece)
    with owned(stack) as connection:
        rows = connection.execute(text("select report_id from further_sightings")).scalars().all()
    assert list(map(str, rows)) == [claims[2].report_id]


def dispute_it(index: Index, report: ReportId, request: pytest.FixtureRequest) -> None:
    if isinstance(index, MemoryIndex):
        index.dispute(report)
        return
    returns = database_of(load(request.getfixturevalue("stack").config("returns")))
    for _ in range(2):  # the same return again changes nothing
        with returns.transaction() as connection:
            dispute(connection, [Dispute(return_id="r-1", report_id=report, member=B)])
    returns.close()


@pytest.mark.stack
def test_near_hashes_survive_a_restart(stack: object, database: Database) -> None:
    emptied(database, stack)
    first = a_claim(0, selectors=(), near=(a_vector(),))
    claim_one(PostgresIndex(database), first)
    found = claim_one(PostgresIndex(database), a_claim(1, member=B, selectors=(), near=(a_vector(1, 2),))).near
    assert found == (NearSighting(0, 2, first.report_id, A),)


@pytest.mark.stack
def test_near_hashes_are_read_by_triage_and_by_the_owner_of_the_database_and_by_no_other_role(stack: Any) -> None:
    """`ops` owns the database, so no grant can keep it out: SECURITY.md says what the veil is for."""
    owner = database_of(load(stack.config("ops")))
    with owner.transaction() as connection:
        schema = {tuple(row) for row in connection.execute(_SCHEMA_GRANTS)}
        tables = {tuple(row) for row in connection.execute(_TABLE_GRANTS)}
        bypassing = set(connection.scalars(_ABOVE_GRANTS))
    owner.close()
    may_use = {role for role, _ in schema}
    readers = {(table, role) for table, role, right in tables if right not in OWNERS_OWN or role != "ops"}
    assert may_use == {"ops", "triage"}
    assert readers == {("near_hashes", "triage"), ("near_hashes", "ops")}
    assert {right for _, role, right in tables if role == "triage"} == {"SELECT", "INSERT"}
    assert bypassing == {"postgres"}


OWNERS_OWN = frozenset({"MAINTAIN", "TRIGGER", "TRUNCATE", "REFERENCES"})
"""Of an owner these say nothing about reading."""
_TABLE_GRANTS = text("""
    select c.relname, coalesce(r.rolname, 'public'), a.privilege_type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    cross join lateral aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
    left join pg_roles r on r.oid = a.grantee
    where n.nspname = 'restricted' and c.relkind in ('r', 'v', 'm', 'p', 'f')
""")
_SCHEMA_GRANTS = text("""
    select coalesce(r.rolname, 'public'), a.privilege_type
    from pg_namespace n cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    left join pg_roles r on r.oid = a.grantee where n.nspname = 'restricted'
""")
_ABOVE_GRANTS = text("""
    select rolname from pg_roles r where rolcanlogin and (rolsuper
    or pg_has_role(oid, 'pg_read_all_data', 'member')
    or (rolname <> 'ops' and pg_has_role(oid, 'ops', 'member'))
    or (rolname <> 'triage' and pg_has_role(oid, 'triage', 'member')))
""")
"""Whoever no grant keeps out, or has one by way of another role."""


def a_vector(*turned: int) -> bytes:
    return sum(1 << bit for bit in turned).to_bytes(32)


@pytest.mark.parametrize(("distance", "is_near"), [(0, True), (1, True), (MAX_DISTANCE, True), (32, False)])
def test_near_hashes_are_found_up_to_the_distance_and_no_farther(index: Index, distance: int, is_near: bool) -> None:
    first = a_claim(0, selectors=(), near=(a_vector(),))
    claim_one(index, first)
    found = claim_one(index, a_claim(1, selectors=(), near=(a_vector(*range(0, 8 * distance, 8)),)))
    assert found.near == ((NearSighting(0, distance, first.report_id, A),) if is_near else ())


def test_near_hashes_of_one_slice_see_the_earlier_ones_and_a_replay_sees_the_same(index: Index) -> None:
    claims = tuple(a_claim(n, selectors=(), near=(a_vector(n), a_vector(100 + n))) for n in range(4))
    before = index.claim(a_source(), claims)
    assert [len({near.report_id for near in answer.near}) for answer in before] == [0, 1, 2, 3]
    claim_one(index, a_claim(9, selectors=(), near=(a_vector(2),)))
    assert index.claim(a_source(), claims) == before


def test_a_report_is_not_near_to_itself_in_any_revision(index: Index) -> None:
    first = a_claim(0, selectors=(), near=(a_vector(),))
    claim_one(index, first)
    again = a_claim(1, selectors=(), near=(a_vector(),), report_id=first.report_id, revision=2, digest=b"changed")
    assert claim_one(index, again).near == ()


def test_an_empty_slice_claims_nothing(index: Index) -> None:
    assert index.claim(a_source(), ()) == ()


small = st.integers(0, 3)


drawn_claims = st.tuples(
    st.integers(0, 5),
    st.integers(1, 3),
    st.sampled_from([A, B]),
    st.sets(small, max_size=2),
    st.booleans(),
    st.sets(small),
)


@given(st.lists(drawn_claims, max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.stack
def test_both_indexes_answer_alike(
    stack: object, database: Database, drawn: list[tuple[int, int, MemberId, set[int], bool, set[int]]]
) -> None:
    reports = [ReportId(str(uuid4())) for _ in range(6)]
    claims = [
        a_claim(
            offset,
            member=member,
            report_id=reports[report],
            revision=revision,
            selectors=tuple(sorted(Selected(a_selector(str(name))) for name in selectors)),
            withdrawn=withdrawn,
            near=tuple(a_vector(*(bit + 7 * n for n in range(20))) for bit in sorted(turned)),
        )
        for offset, (report, revision, member, selectors, withdrawn, turned) in enumerate(drawn)
    ]
    postgres, memory = PostgresIndex(emptied(database, stack)), MemoryIndex()
    for start in range(0, len(claims), 5):
        piece = tuple(claims[start : start + 5])
        assert postgres.claim(a_source(), piece) == memory.claim(a_source(), piece)
    with owned(stack) as connection:
        for selector in (a_selector(str(name)) for name in range(4)):
            assert {one.report_id for one in carrying(connection, [selector])} == memory.carrying(selector)
