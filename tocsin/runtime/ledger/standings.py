"""What holds at this moment whatever the policy bundle says: who is barred, which reports are held or only kept."""

import logging
import time
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from schemas.failures import Temporary
from schemas.records.identifiers import ReportId
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.holds import HELD, held_in
from tocsin.runtime.ledger.subject_requests import RESTRICTED, restricted_in
from tocsin.runtime.ledger.suspensions import BARRED, Barred, barred_in
from tocsin.runtime.pipeline import Rows

_LOG: Final = logging.getLogger(__name__)
_REST_SECONDS: Final = 5.0


class Standing(Struct, frozen=True, kw_only=True):
    """As the ledger said it last."""

    barred: Barred = {}
    held: frozenset[ReportId] = frozenset()
    """Police want notices to hosts to wait."""
    restricted: frozenset[ReportId] = frozenset()
    """They are kept, and nothing else is done with them."""


Standings = Callable[[], Standing]


def nothing_special() -> Standing:
    """For a place without a ledger."""
    return Standing()


STANDING: Final = (BARRED, HELD, RESTRICTED)
"""What `standing_in` is made of."""


def standing_in(barred: Rows, held: Rows, restricted: Rows) -> Standing:
    """What the ledger answers to STANDING."""
    return Standing(barred=barred_in(barred), held=held_in(held), restricted=restricted_in(restricted))


class LedgerStandings:
    """Asks the ledger for every slice, so that the next record is decided by what was said before it came.

    While the ledger is away nobody can be suspended in it either: what it said last stands, and is not asked for in
    vain again and again.
    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._last = Standing()
        self._rest_until_seconds = 0.0

    def __call__(self) -> Standing:
        """What holds now."""
        if self._clock() < self._rest_until_seconds:
            return self._last
        try:
            self._last = standing_in(*self._database.together(STANDING))
        except Temporary as failure:
            self._rest_until_seconds = self._clock() + _REST_SECONDS
            _LOG.warning("suspensions cannot be asked for: %s", failure, extra={"facts": {"code": failure.code}})
        return self._last
