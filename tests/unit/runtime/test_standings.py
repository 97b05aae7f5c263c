"""Who does not take part: asked for every slice, and what was said last while the ledger is away."""

from typing import Any, cast

from schemas.failures import Temporary
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.standings import LedgerStandings, Standing


class AbsentDatabase:
    """A database that does not answer, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def together(self, _queries: object) -> Any:
        self.asked += 1
        raise Temporary("away", code="database.away")


def test_while_the_ledger_is_away_it_is_not_asked_for_every_slice_and_what_it_said_last_stands() -> None:
    away, now = AbsentDatabase(), [0.0]
    standings = LedgerStandings(cast(Database, away), lambda: now[0])
    assert [standings(), standings()] == [Standing(), Standing()]
    assert away.asked == 1
    now[0] = 6.0
    standings()
    assert away.asked == 2
