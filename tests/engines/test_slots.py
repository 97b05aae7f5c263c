"""Where the compiled codec writes a field: where a value set by name was seen, and by name wherever that is not so."""

from typing import Any, Final

import msgspec
import pytest
from msgspec import Struct

_codec: Any = pytest.importorskip("_tocsin_codec", reason="the codec was not compiled here: make codec")

FIELDS: Final = ("first", "second")
SCHEMA: Final = {"type": "record", "name": "R", "fields": [{"name": name, "type": "string"} for name in FIELDS]}
WRITTEN: Final = b"\x02a\x02b"


class Elsewhere:
    """A field that is kept outside the instance, so that its slot stays empty."""

    def __init__(self) -> None:
        self.kept: dict[int, object] = {}
        self.times_set = 0

    def __get__(self, instance: object, _: type) -> object:
        return self if instance is None else self.kept[id(instance)]

    def __set__(self, instance: object, value: object) -> None:
        self.kept[id(instance)] = value
        self.times_set += 1


class Inherited(Struct, frozen=True):
    """Its field is in the table of this class, and not in that of a class below."""

    first: str


class Below(Inherited, frozen=True):
    """Half of its fields are its own."""

    second: str


class WithoutCollector(Inherited, frozen=True, gc=False):
    """Allocated in another way."""

    second: str


class WithMore(Struct, frozen=True, weakref=True, cache_hash=True, dict=True):
    """Instances that have more in them than their fields."""

    first: str
    second: str


def a_class() -> type[Struct]:
    """A new one, whose descriptors may be changed."""
    return msgspec.defstruct("R", [(name, str) for name in FIELDS], frozen=True)


def codec_of(kind: type) -> Any:
    """The schema bound to this class."""
    return _codec.Codec(SCHEMA, {"R": kind})


@pytest.mark.parametrize("kind", [Below, WithoutCollector, WithMore, a_class()])
def test_a_field_of_a_class_above_is_set_by_name_and_is_as_if_the_class_were_called(kind: type[Struct]) -> None:
    read = codec_of(kind).decode(WRITTEN)
    assert read == kind("a", "b")
    assert hash(read) == hash(kind("a", "b"))
    assert codec_of(kind).encode(read) == codec_of(kind).encode(kind("a", "b")) == WRITTEN


def test_a_slot_that_stays_empty_when_its_name_is_set_is_never_written() -> None:
    kind, elsewhere = a_class(), Elsewhere()
    kind.first = elsewhere  # type: ignore[attr-defined]  # it takes the slot's place
    codec = codec_of(kind)
    before = elsewhere.times_set
    read = codec.decode(WRITTEN)
    assert elsewhere.times_set == before + 1
    assert (read.first, read.second) == ("a", "b")
    assert codec.encode(read) == WRITTEN
    with pytest.raises(AttributeError, match="'first' is unset"):
        repr(read)  # msgspec's own look into the slot


def test_slots_that_lie_under_each_other_s_names_are_filled_as_the_names_say() -> None:
    kind: Any = a_class()
    kind.first, kind.second = kind.second, kind.first
    codec = codec_of(kind)
    read = codec.decode(WRITTEN)
    assert (read.first, read.second) == ("a", "b")
    assert codec.encode(read) == WRITTEN


def test_a_field_that_cannot_be_set_even_by_name_is_refused_when_the_schema_loads() -> None:
    kind: Any = a_class()
    kind.first = property(lambda _: "a")
    with pytest.raises(_codec.Unsuitable, match="cannot be set"):
        codec_of(kind)


@pytest.mark.parametrize("base", [object, dict, Exception])
def test_a_class_that_is_no_struct_is_refused_whatever_it_says_of_itself(base: type) -> None:
    kind = type("R", (base,), {"__slots__": FIELDS, "__struct_fields__": FIELDS})
    with pytest.raises(_codec.Unsuitable, match="no Struct"):
        codec_of(kind)
