"""Selectors that the index knows already, 10^4 to 10^7, of other reports: what a claim costs beside many."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

from sqlalchemy import text

from benchmarks.growth.points import Point, Say, Size, measured
from benchmarks.world import World, a_world
from tocsin.stack.postgres import DATABASE

COUNTS: Final[Sequence[int]] = (10_000, 100_000, 1_000_000, 10_000_000, 10_000)
"""The first once more at the end: what the machine itself did meanwhile shows there."""
_AT_ONCE: Final = 1_000_000
"""Rows of one statement."""


def curve(size: Size, say: Say) -> Iterator[Point]:
    """The ledger is emptied for each round; the index keeps what the point is about."""
    with a_world() as world:
        world.fill(size.reports)
        for count in COUNTS:
            world.forget()
            _know(world, count, say)
            yield measured(world, size, count, partial(_forget_rest, world))


def _know(world: World, count: int, say: Say) -> None:
    with world.stack.postgres.connect(database=DATABASE) as connection:
        for first in range(0, count, _AT_ONCE):
            end = min(count, first + _AT_ONCE)
            connection.execute(_KNOW, {"first": first, "last": end - 1})
            say(f"{end} of {count} selectors")
        connection.execute("vacuum analyze sightings")


def _forget_rest(world: World) -> None:
    """All but the selectors that were there before."""
    world.forget(kept=("sightings",))
    with world.database.transaction() as connection:
        connection.execute(text("delete from sightings where stream > 0"))


_KNOW: Final = """
    insert into sightings (selector, member, report_id, stream, log_offset, claim_number, bound)
    select sha256(cast('growth-' || n as bytea)), 'ngo-b', gen_random_uuid(), 0, n, 0, sha256('')
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n
"""
