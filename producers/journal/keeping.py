"""What a journal lets go of by itself: reports whose time, as the member itself stated it, is over (ADR 0028)."""

from producers.journal import entries, statuses
from producers.journal.store import Journal


def let_go(journal: Journal, now_ms: int) -> int:
    """Empty their bodies, references and digests; tells how many reports. Ids, kinds, codes and times stay."""
    count = 0
    while True:
        with journal.begin() as connection:
            past = entries.past(connection, now_ms)
            entries.erase(connection, past)
            statuses.erase(connection, past)
        if not past:
            break
        count += len(past)
    if count:
        journal.forget()
    return count
