"""How many dead letters wait for a decision, topic by topic: what a member's limit is held against."""

from typing import Final

from sqlalchemy import Connection, text


def open_letters_per_topic(connection: Connection, window_ms: int) -> dict[str, int]:
    """Letters of the last `window_ms` that nobody has retried or dropped."""
    rows = connection.execute(_OPEN, {"seconds": window_ms / 1000})
    return {row.topic: int(row.letters) for row in rows}


_OPEN: Final = text("""
    select topic, count(*) as letters from dead_letters join streams using (stream)
    where dead_letters.state = 'open' and dead_letters.at > now() - make_interval(secs => :seconds)
    group by topic
""")
