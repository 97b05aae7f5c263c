"""A process that starts while something is away waits for it, is not ready meanwhile, and gives up in the end."""

import time
from collections.abc import Callable, Iterator

import pytest

from tocsin.runtime.failures import Broken, Temporary
from tocsin.runtime.health import Health
from tocsin.runtime.starting import START, when_there
from tocsin.runtime.transport.worker import FETCHES, SLICES, expect_signs

AWAY = Temporary("PostgreSQL does not answer.", code="database.away")


def building(*answers: str | Exception, looks: Callable[[], None] = lambda: None) -> Callable[[], str]:
    """Builds as the answers say, one after another."""
    left: Iterator[str | Exception] = iter(answers)

    def build() -> str:
        looks()
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return build


def test_it_starts_when_what_was_away_is_back_and_is_ready_no_sooner() -> None:
    health = Health()
    seen: list[tuple[str, ...]] = []
    build = building(AWAY, AWAY, "built", looks=lambda: seen.append(health.stale(1e9)))
    assert when_there(build, health) == "built"
    assert seen == [(START,)] * 3
    assert health.stale(1e9) == ()


def test_what_stays_away_is_said_in_the_end_by_its_own_name() -> None:
    with pytest.raises(Temporary, match="PostgreSQL does not answer"):
        when_there(building(AWAY, "never asked again"), Health(), longest_seconds=0)


def test_what_is_broken_is_not_waited_for() -> None:
    with pytest.raises(Broken):
        when_there(building(Broken("no database is named"), "never asked again"), Health())


def test_a_worker_is_not_ready_between_its_start_and_its_first_turn() -> None:
    health = Health()
    expect_signs(health)
    when_there(lambda: "job", health)
    assert health.stale(time.monotonic()) == (FETCHES, SLICES)
