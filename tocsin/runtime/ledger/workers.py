"""Which workers run now, and with what: said by each of them, asked by whoever changes keys or members."""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import Connection, text

SEEN_SECONDS: Final = 30
"""A worker that has said nothing for so long has ended; each speaks about every five seconds."""


class Worker(Struct, frozen=True, kw_only=True):
    """One process as it began: what it read at its start it uses until its end."""

    instance: str
    keys: tuple[str, ...] = ()
    """Marks of the digest keys, which tell nothing of them."""
    topics: tuple[str, ...] = ()
    policy: str = ""
    """Digest of the bundle in force when it last spoke."""


def speak(connection: Connection, worker: Worker) -> None:
    """It is here."""
    row = {name: getattr(worker, name) for name in Worker.__struct_fields__}
    connection.execute(_SPEAK, row | {"keys": list(worker.keys), "topics": list(worker.topics)})


def leave(connection: Connection, instance: str) -> None:
    """It ends as it was told to, and is not waited for."""
    connection.execute(_LEAVE, {"instance": instance})


def running(connection: Connection) -> Sequence[Worker]:
    """Those that spoke lately, by name."""
    rows = connection.execute(_RUNNING, {"seconds": SEEN_SECONDS})
    return [
        Worker(instance=row.instance, keys=tuple(row.keys), topics=tuple(row.topics), policy=row.policy) for row in rows
    ]


_SPEAK: Final = text("""
    insert into workers (instance, keys, topics, policy) values (:instance, :keys, :topics, :policy)
    on conflict (instance) do update
    set keys = excluded.keys, topics = excluded.topics, policy = excluded.policy, seen_at = now(),
        started_at = case when workers.seen_at > now() - interval '30 seconds' then workers.started_at else now() end
""")
_LEAVE: Final = text("update workers set seen_at = '-infinity' where instance = :instance")
_RUNNING: Final = text("""
    select instance, keys, topics, policy from workers
    where seen_at > now() - make_interval(secs => :seconds) order by instance
""")
