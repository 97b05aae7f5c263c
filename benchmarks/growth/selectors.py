"""Selectors that the index knows already, 10^4 to 10^7, of other reports: what a claim costs beside many.

Each point has a table of its own, filled once, which takes the place of `sightings` for its run. So points are measured
in turn, up and then down again, and a ratio is of neighbours in time: the machine drifts more over the whole than the
index does.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import text

from benchmarks.growth.points import Point, Round, Say, Size, one_round
from benchmarks.world import World, a_world
from tocsin.stack.postgres import DATABASE

COUNTS: Final[Sequence[int]] = (10_000, 100_000, 1_000_000, 10_000_000)
_AT_ONCE: Final = 1_000_000
"""Rows of one statement."""


def curve(size: Size, say: Say) -> Iterator[Point]:
    """The ledger is emptied for each run; the index keeps what the point is about."""
    counts = [count for count in COUNTS if count <= size.most_selectors]
    rounds: dict[int, list[Round]] = {count: [] for count in counts}
    with a_world() as world:
        world.fill(size.reports)
        for count in counts:
            _prepare(world, count, say)
        for number in range(passes(size.rounds)):
            for count in counts if number % 2 == 0 else reversed(counts):
                with Exchanged(world, count):
                    rounds[count].append(one_round(world, size.reports))
                say(f"pass {number + 1}, {count}: {rounds[count][-1].reports_per_second:.0f} reports/s")
    yield from (Point(count=count, rounds=tuple(found)) for count, found in rounds.items())


def passes(rounds: int) -> int:
    """As many up as down."""
    return rounds + rounds % 2


class Exchanged:
    """While it lasts, the table of that count is `sightings`; what a run adds to it is taken out again."""

    def __init__(self, world: World, count: int) -> None:
        self._world, self._count = world, count

    def __enter__(self) -> None:
        self._world.forget()
        with self._world.stack.postgres.connect(database=DATABASE) as connection:
            connection.execute(_move("public", _PARKED))
            connection.execute(_move(_schema(self._count), "public"))

    def __exit__(self, *_: object) -> None:
        with self._world.database.transaction() as connection:
            connection.execute(text("delete from sightings where stream > 0"))
        with self._world.stack.postgres.connect(database=DATABASE) as connection:
            connection.execute(_move("public", _schema(self._count)))
            connection.execute(_move(_PARKED, "public"))


def _prepare(world: World, count: int, say: Say) -> None:
    schema = _schema(count)
    with world.stack.postgres.connect(database=DATABASE) as connection:
        for name in (_PARKED, schema):
            connection.execute(f"create schema if not exists {name}")
        connection.execute(f"create table {schema}.sightings (like public.sightings including all)")
        for (statement,) in connection.execute(_RIGHTS, {"schema": schema}).fetchall():
            connection.execute(str(statement))
        for first in range(0, count, _AT_ONCE):
            end = min(count, first + _AT_ONCE)
            connection.execute(_KNOW.format(schema=schema), {"first": first, "last": end - 1})
            say(f"{end} of {count} selectors")
        connection.execute(f"vacuum analyze {schema}.sightings")


def _move(source: str, target: str) -> str:
    return f"alter table {source}.sightings set schema {target}"


def _schema(count: int) -> str:
    return f"growth_{count}"


_PARKED: Final = "growth_parked"
_RIGHTS: Final = """
    select format('alter table %%I.sightings owner to %%I', cast(%(schema)s as text), pg_get_userbyid(relowner))
    from pg_class where oid = 'public.sightings'::regclass
    union all
    select format('grant %%s on %%I.sightings to %%I', privilege_type, cast(%(schema)s as text), rolname)
    from pg_class, aclexplode(relacl) join pg_roles on pg_roles.oid = grantee
    where pg_class.oid = 'public.sightings'::regclass and grantee <> relowner
"""
"""The new table belongs to whom the old one does, and opens for the same."""
_KNOW: Final = """
    insert into {schema}.sightings (selector, member, report_id, stream, log_offset, claim_number, bound)
    select sha256(cast('growth-' || n as bytea)), 'ngo-b', gen_random_uuid(), 0, n, 0, sha256('')
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n
"""
