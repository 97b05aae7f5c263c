"""The search for near hashes finds exactly what comparing each with each finds."""

from collections.abc import Sequence
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.index.nearest import RECENT, Asked, Nearest, Stored
from processors.index.port import MAX_DISTANCE, MAX_NEAR
from processors.steps.deduplicate.near import Veil
from schemas.records.identifiers import MemberId, ReportId

BITS = 256
TURNED = st.sets(st.integers(0, BITS - 1), max_size=40)


def stored(number: int, veiled: bytes) -> Stored:
    return Stored(veiled, MemberId(f"m-{number % 3}"), ReportId(str(UUID(int=number))), number)


def turned(vector: bytes, bits: set[int]) -> bytes:
    return (int.from_bytes(vector) ^ sum(1 << bit for bit in bits)).to_bytes(BITS // 8)


def random_vectors(count: int, chance: Random) -> list[bytes]:
    return [chance.randbytes(BITS // 8) for _ in range(count)]


def nearest_of(vectors: list[bytes], page: int = 10_000) -> Nearest:
    nearest = Nearest()
    rows = [stored(number, vector) for number, vector in enumerate(vectors)]
    for start in range(0, len(rows), page):
        nearest.add(rows[start : start + page])
        nearest.tidy()
    return nearest


def compared(vectors: list[bytes], asked: bytes) -> set[tuple[int, int]]:
    distances = ((int.from_bytes(asked) ^ int.from_bytes(vector)).bit_count() for vector in vectors)
    return {(number, distance) for number, distance in enumerate(distances) if distance <= MAX_DISTANCE}


CROWD = random_vectors(3 * RECENT, Random(3))  # noqa: S311 -- the same crowd every time
NEAREST = nearest_of(CROWD, page=RECENT // 2 + 1)


@given(st.integers(0, len(CROWD) - 1), TURNED)
def test_every_hash_within_the_distance_is_found_with_its_distance_and_no_other(number: int, bits: set[int]) -> None:
    asked = turned(CROWD[number], bits)
    found = {(match.claim_number, match.distance) for match in NEAREST.matches([asked])}
    assert found == compared(CROWD, asked)


@given(st.lists(TURNED, min_size=1, max_size=30), st.lists(TURNED, min_size=1, max_size=5))
def test_hashes_that_crowd_together_are_all_found(crowd: list[set[int]], asked: list[set[int]]) -> None:
    vectors = [turned(bytes(32), bits) for bits in crowd] * (RECENT // len(crowd) + 1)
    nearest = nearest_of(vectors)
    questions = [turned(bytes(32), bits) for bits in asked]
    found: list[set[tuple[int, int]]] = [set() for _ in questions]
    for match in nearest.matches(questions):
        found[match.position].add((match.claim_number, match.distance))
    assert found == [compared(vectors, question) for question in questions]


@pytest.mark.parametrize("count", [0, 1, RECENT - 1, RECENT, RECENT + 1, 5 * RECENT])
def test_nothing_is_lost_when_hashes_become_a_table(count: int) -> None:
    vectors = random_vectors(count, Random(count))  # noqa: S311 -- the same every time
    nearest = nearest_of(vectors, page=700)
    assert len(nearest) == count
    for number in range(0, count, max(1, count // 7)):
        assert {match.claim_number for match in nearest.matches([vectors[number]])} >= {number}


SMALL = st.integers(0, 9)


@given(
    st.lists(st.tuples(SMALL, SMALL, st.sampled_from("zya")), min_size=1, max_size=40),
    st.lists(st.tuples(SMALL, SMALL, st.integers(0, 400)), min_size=1, max_size=40),
    st.sampled_from([1, 5, RECENT]),
)
def test_of_a_crowd_the_closest_of_other_reports_that_were_claimed_before_are_told(
    drawn: list[tuple[int, int, str]], questions: list[tuple[int, int, int]], copies: int
) -> None:
    vectors = [turned(bytes(32), set(range(4 * bits))) for bits in range(10)]
    reports = [ReportId(str(UUID(int=number * 2**90 + number))) for number in range(10)]
    rows = [Stored(vectors[v], MemberId(m), reports[r], n) for n, (v, r, m) in enumerate(drawn * copies)]
    nearest = Nearest()
    nearest.add(rows)
    nearest.tidy()
    asked = [Asked(vectors[v], reports[r], before) for v, r, before in questions]
    told: list[list[tuple[int, str, str]]] = [[] for _ in asked]
    for match in nearest.closest(asked):
        told[match.position].append((match.distance, match.report_id, match.member))
    assert told == [one_by_one(rows, question) for question in asked]


def one_by_one(rows: list[Stored], asked: Asked) -> Sequence[tuple[int, str, str]]:
    """What the contract says, as slowly as it can be said."""
    distances = ((row, (int.from_bytes(row.veiled) ^ int.from_bytes(asked.veiled)).bit_count()) for row in rows)
    found = {
        (distance, row.report_id, row.member)
        for row, distance in distances
        if distance <= MAX_DISTANCE and row.claim_number < asked.before and row.report_id != asked.report_id
    }
    return sorted(found)[:MAX_NEAR]


def test_one_of_a_large_crowd_is_told_no_more_than_the_limit() -> None:
    rows = [stored(number, bytes(32)) for number in range(3 * MAX_NEAR)]
    nearest = Nearest()
    nearest.add(rows)
    question = Asked(bytes(32), rows[0].report_id, 3 * MAX_NEAR)
    assert [(m.distance, m.report_id, m.member) for m in nearest.closest([question])] == one_by_one(rows, question)


@given(st.binary(min_size=32, max_size=32), TURNED, st.binary(min_size=1, max_size=8))
def test_a_veil_keeps_distances_and_shows_nothing_of_the_hash(plain: bytes, bits: set[int], key: bytes) -> None:
    veil = Veil(key)
    first, second = veil.over(plain), veil.over(turned(plain, bits))
    assert (int.from_bytes(first) ^ int.from_bytes(second)).bit_count() == len(bits)
    assert Veil(key + b"x").over(plain) != first


def test_what_is_added_while_a_table_is_made_is_found_before_and_after() -> None:
    known = Nearest()
    first, second = ([stored(n, bytes(30) + n.to_bytes(2)) for n in part] for part in _PARTS)
    known.add(first)
    due = known.due()
    assert due is not None
    made = due.made()
    known.add(second)
    before = {match.claim_number for match in known.matches([bytes(32)])}
    known.take(due, made)
    assert len(known) == sum(map(len, _PARTS))
    assert {match.claim_number for match in known.matches([bytes(32)])} == before == set(range(len(known)))


_PARTS = (range(RECENT), range(RECENT, RECENT + 100))
