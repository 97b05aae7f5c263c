"""What workers have seen of the policy store, kept where whoever writes the store cannot take it away."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, text


def seen(connection: Connection) -> Mapping[str, bytes]:
    """Every promotion that any worker has seen, by name, as its file was; also those of another store."""
    return {row.name: row.promotion.encode() for row in connection.execute(_SEEN)}


def note(connection: Connection, promotions: Mapping[str, bytes]) -> tuple[str, ...]:
    """Remember these; what is known already stays as it was seen first. Tells the names of those that were not."""
    rows = [{"name": name, "promotion": said.decode()} for name, said in promotions.items()]
    return tuple(row["name"] for row in rows if connection.execute(_NOTE, row).rowcount)


_SEEN: Final = text("select name, promotion from promotions")
_NOTE: Final = text("insert into promotions (name, promotion) values (:name, :promotion) on conflict do nothing")
