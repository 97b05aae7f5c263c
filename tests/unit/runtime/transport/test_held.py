"""How many records a worker has in its hands: a slice is what is decoded at one go, and slices ahead are bounded."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tocsin.runtime.settings import KafkaSettings
from tocsin.runtime.transport.application import WorkerSettings, slice_app
from tocsin.runtime.transport.consumer import SliceConsumer
from tocsin.runtime.transport.fairness import MOST_AHEAD, MOST_AHEAD_RECORDS, MOST_AT_ONCE, Portions

PARTITIONS = tuple(TP(name, 0) for name in ("one", "two", "three"))
ROUNDS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(PARTITIONS), st.integers(0, 3 * MOST_AT_ONCE), max_size=len(PARTITIONS)),
        st.integers(0, 3),
    ),
    max_size=30,
)


class Piece(Struct):
    """A slice that was handed over."""

    count: int
    passed: bool = False


class Fetcher:
    """aiokafka's: gives out what the broker sent it, so many records of all partitions together, until it has none."""

    def __init__(self, fetched: dict[TP, int]) -> None:
        self._left = {tp: list(range(count)) for tp, count in fetched.items()}

    def _ensure_consumer(self) -> None:
        """There is no client behind it."""

    async def _fetch_records(self, _: None, active: set[TP], timeout: float, max_records: int) -> dict[TP, list[int]]:
        given: dict[TP, list[int]] = {}
        for tp in sorted(active & self._left.keys()):
            room = max_records - sum(map(len, given.values()))
            if room and self._left[tp]:
                given[tp], self._left[tp] = self._left[tp][:room], self._left[tp][room:]
        return given


class Consumer:
    """As much of a consumer as a fetch looks at."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._thread = fetcher

    async def fetch(self, active: set[TP], limit: int) -> dict[TP, Sequence[Any]]:
        """One round of the real consumer."""
        found: dict[TP, Sequence[Any]] = {}
        await SliceConsumer._gather(self, active, limit, 0.0, found)  # type: ignore[arg-type]
        return found


@given(st.dictionaries(st.sampled_from(PARTITIONS), st.integers(0, 3 * MOST_AT_ONCE)), st.integers(1, MOST_AT_ONCE))
def test_a_fetch_takes_of_each_partition_what_there_is_and_no_more_than_a_slice(
    fetched: dict[TP, int], limit: int
) -> None:
    found = asyncio.run(Consumer(Fetcher(fetched)).fetch(set(PARTITIONS), limit))
    assert {tp: len(records) for tp, records in found.items()} == {
        tp: min(count, limit) for tp, count in fetched.items() if count
    }


@given(ROUNDS)
def test_whatever_waits_what_is_ahead_of_a_partition_is_bounded_and_full_backlogs_get_no_more(
    rounds: list[tuple[dict[TP, int], int]],
) -> None:
    """The backlogs' bound lets the last ones in: who becomes one may have slices on their way already."""
    portions, ahead = Portions(MOST_AT_ONCE, 100), {tp: list[Piece]() for tp in PARTITIONS}
    waiting, behind = dict.fromkeys(PARTITIONS, 0), set[TP]()
    for now, (came, passed) in enumerate(rounds):
        for tp, count in came.items():
            waiting[tp] += count
        limit = portions.records(float(now))
        taken = {tp: min(waiting[tp], limit) for tp in portions.open_to(PARTITIONS) if waiting[tp]}
        assert _ahead_of(behind, ahead) < MOST_AHEAD_RECORDS or not behind & taken.keys()
        for tp, count in taken.items():
            waiting[tp] -= count
        behind = (behind - taken.keys()) | {tp for tp in taken if waiting[tp]}
        for tp in portions.in_turn(taken, waiting, float(now)):
            ahead[tp].append(Piece(count=taken[tp]))
            portions.handed(tp, ahead[tp][-1])
            assert len(ahead[tp]) <= MOST_AHEAD
            assert taken[tp] <= MOST_AT_ONCE
        for pieces in ahead.values():
            for piece in pieces[:passed]:
                piece.passed = True
            del pieces[:passed]


def _ahead_of(partitions: set[TP], ahead: dict[TP, list[Piece]]) -> int:
    return sum(piece.count for tp in partitions for piece in ahead[tp])


def test_a_worker_that_asks_for_more_than_a_slice_gets_a_slice(tmp_path: Path) -> None:
    wanted = WorkerSettings(group="g", instance="i", topics=("t",), data_folder=tmp_path, slice_records=10_000)
    app = slice_app(KafkaSettings(bootstrap="127.0.0.1:1", plaintext=True), wanted, _nowhere, {})
    assert (app.slice_records, app.shared_records) == (MOST_AT_ONCE, MOST_AT_ONCE)


def _nowhere(_: Mapping[tuple[str, int], int]) -> Mapping[tuple[str, int], int]:
    return {}
