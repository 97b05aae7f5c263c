"""Records that were passed over: holes between settled offsets, for which the database alone is asked."""

from sqlalchemy import Connection, text


def missing_records(connection: Connection) -> int:
    """How many offsets lie between the beginning of a stream and its newest settled one, and are not settled."""
    return int(connection.execute(_MISSING).scalar_one())


_MISSING = text("""
    with reached as (
        select stream, first_offset, max(first_offset + length(outcomes)) over (
            partition by stream order by first_offset rows between unbounded preceding and 1 preceding
        ) as until
        from ledger_blocks
    )
    select coalesce(sum(greatest(0, reached.first_offset - coalesce(reached.until, streams.first_offset))), 0)
    from reached join streams using (stream)
""")
