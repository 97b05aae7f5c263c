"""What the consumers need of a codec: framed values to records and back (tocsin.runtime.registry has the real one)."""

from typing import Protocol, TypeVar

from msgspec import Struct

T = TypeVar("T", bound=Struct)


class Codec(Protocol):
    """Values as they lie on a topic, and the records in them."""

    def dumps(self, record: Struct) -> bytes:
        """The framed bytes of a record."""

    def loads(self, value: bytes | None, *expected: type[T]) -> T:
        """The record in a framed value; Unreadable where it is none of the expected types."""
