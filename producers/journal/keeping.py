"""What a journal lets go of: reports that are past the member's own day, or ordered to be erased, and not held.

ADR 0028 and 0048.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection

from producers.journal import entries, erasures, statuses
from producers.journal.store import Journal

_BATCH: Final = 500


def going(connection: Connection, now_ms: int) -> Sequence[str]:
    """What goes now, some hundreds at once."""
    past = entries.past(connection, now_ms, _BATCH)
    return sorted({*past, *erasures.due(connection, now_ms, _BATCH)})


def let_go(journal: Journal, now_ms: int) -> int:
    """Empty their bodies, references and digests; tells how many reports. Ids, kinds, codes and times stay."""
    count = 0
    while True:
        with journal.begin() as connection:
            reports = going(connection, now_ms)
            entries.erase(connection, reports)
            statuses.erase(connection, reports)
            erasures.finish(connection, reports)
        if not reports:
            break
        count += len(reports)
    if count:
        journal.forget()
    return count
