"""What workers have seen of the policy store, kept where whoever writes the store cannot take it away."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, text


def seen(connection: Connection) -> Mapping[str, bytes]:
    """Every promotion that any worker has seen, by name, as its file was; also those of another store."""
    return {row.name: row.promotion.encode() for row in connection.execute(_SEEN)}


def note(connection: Connection, promotions: Mapping[str, bytes]) -> None:
    """Remember these; what is known already stays as it was seen first."""
    if promotions:
        connection.execute(_NOTE, [{"name": name, "promotion": said.decode()} for name, said in promotions.items()])


_SEEN: Final = text("select name, promotion from promotions")
_NOTE: Final = text("insert into promotions (name, promotion) values (:name, :promotion) on conflict do nothing")
