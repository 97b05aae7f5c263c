"""`python -m benchmarks.near`: near matches at a million hashes, our tables beside pgvector and faiss (ADR 0008).

Every one answers the same questions, half of them near to a stored hash, and what each finds is counted: recall is
part of the figure. faiss-cpu is not among our requirements: where it is not installed its rows are left out.
"""

import importlib
import json
import resource
import time
from collections.abc import Callable
from random import Random
from typing import Any, Final
from uuid import UUID

import click
import psycopg

from benchmarks.world import a_world
from processors.index.nearest import Nearest, Stored
from processors.index.port import MAX_DISTANCE
from schemas.records.identifiers import MemberId, ReportId

_BYTES: Final = 32
_PAGE: Final = 100_000
_FEW: Final = 20
"""Questions for what takes a tenth of a second each."""

Ask = Callable[[list[bytes]], list[set[int]]]


@click.command()
@click.option("--hashes", default=1_000_000, show_default=True)
@click.option("--questions", default=2_000, show_default=True)
@click.option("--slice-size", default=500, show_default=True, help="Questions that are asked together.")
def main(hashes: int, questions: int, slice_size: int) -> None:
    """Print one JSON object."""
    chance = Random(1)  # noqa: S311  # the same every time
    stored = [chance.randbytes(_BYTES) for _ in range(hashes)]
    asked = [_near(stored[chance.randrange(hashes)], chance) for _ in range(questions // 2)]
    asked += [chance.randbytes(_BYTES) for _ in range(questions - len(asked))]
    result: dict[str, Any] = {"hashes": hashes, "questions": questions, "slice": slice_size}
    ask, result["tables_seconds_to_build"] = _timed(lambda: _tables(stored))
    truth, result["tables"] = _measured(ask, asked, slice_size)
    result["peak_megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    result |= _faiss(stored, asked, truth)
    result["pgvector"] = _pgvector(stored, asked[:_FEW], truth[:_FEW])
    click.echo(json.dumps(result, indent=1))


def _near(vector: bytes, chance: Random) -> bytes:
    turned = sum(1 << bit for bit in chance.sample(range(_BYTES * 8), chance.randint(0, MAX_DISTANCE)))
    return (int.from_bytes(vector) ^ turned).to_bytes(_BYTES)


def _timed(make: Callable[[], Ask]) -> tuple[Ask, float]:
    started = time.perf_counter()
    return make(), round(time.perf_counter() - started, 2)


def _tables(stored: list[bytes]) -> Ask:
    nearest = Nearest()
    for start in range(0, len(stored), _PAGE):
        page = enumerate(stored[start : start + _PAGE], start)
        nearest.add([Stored(v, MemberId("m"), ReportId(str(UUID(int=number))), number) for number, v in page])
        nearest.tidy()

    def ask(vectors: list[bytes]) -> list[set[int]]:
        found: list[set[int]] = [set() for _ in vectors]
        for match in nearest.matches(vectors):
            found[match.position].add(match.claim_number)
        return found

    return ask


def _measured(ask: Ask, asked: list[bytes], size: int) -> tuple[list[set[int]], dict[str, float]]:
    ask(asked[:size])
    found: list[set[int]] = []
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(asked), size):
        found += ask(asked[start : start + size])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    each = {"microseconds_per_hash": wall, "cpu_microseconds_per_hash": cpu}
    return found, {name: round(1e6 * seconds / len(asked), 1) for name, seconds in each.items()} | {
        "found": sum(map(len, found))
    }


def _faiss(stored: list[bytes], asked: list[bytes], truth: list[set[int]]) -> dict[str, Any]:
    try:
        faiss = importlib.import_module("faiss")
    except ModuleNotFoundError:
        return {"faiss": "not installed: pip install faiss-cpu"}
    numpy = importlib.import_module("numpy")
    faiss.omp_set_num_threads(1)
    matrix = numpy.frombuffer(b"".join(stored), dtype=numpy.uint8).reshape(-1, _BYTES)
    indexes = {"faiss_flat": faiss.IndexBinaryFlat(256)}
    for chunks, bits, turned in ((16, 16, 1), (11, 23, 2)):
        indexes[f"faiss_multihash_{chunks}x{bits}"] = faiss.IndexBinaryMultiHash(256, chunks, bits)
        indexes[f"faiss_multihash_{chunks}x{bits}"].nflip = turned
    result = {}
    for name, index in indexes.items():
        index.add(matrix)

        def ask(vectors: list[bytes], index: Any = index) -> list[set[int]]:
            rows = numpy.frombuffer(b"".join(vectors), dtype=numpy.uint8).reshape(-1, _BYTES)
            limits, _, found = index.range_search(rows, MAX_DISTANCE + 1)
            return [set(found[limits[n] : limits[n + 1]].tolist()) for n in range(len(vectors))]

        few = asked[: _FEW * 10]
        found, result[name] = _measured(ask, few, len(few))
        assert found == truth[: len(few)], name
    return result


def _pgvector(stored: list[bytes], asked: list[bytes], truth: list[set[int]]) -> dict[str, float]:
    with a_world() as world, world.stack.postgres.connect() as connection:
        _fill(connection, stored)
        found, figures = _measured(lambda vectors: [_scan(connection, v) for v in vectors], asked, len(asked))
    assert found == truth, "pgvector"
    return figures


def _fill(connection: psycopg.Connection[Any], stored: list[bytes]) -> None:
    connection.execute("create extension vector")
    connection.execute("create table hashes (number integer, hash bit(256))")
    with connection.cursor().copy("copy hashes from stdin") as copy:
        for number, vector in enumerate(stored):
            copy.write_row((number, _bits(vector)))
    connection.execute("analyze hashes")


def _scan(connection: psycopg.Connection[Any], vector: bytes) -> set[int]:
    """The exact answer: pgvector's index (HNSW) is approximate, and so has no recall by construction."""
    query = "select number from hashes where hash <~> %s::bit(256) <= %s"
    return {row[0] for row in connection.execute(query, (_bits(vector), MAX_DISTANCE))}


def _bits(vector: bytes) -> str:
    return f"{int.from_bytes(vector):0256b}"


if __name__ == "__main__":
    main()
