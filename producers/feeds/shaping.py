"""From plain objects to a ReportDraft: every value by the type that the record declares, every problem by its path.

All feeds end here, so that a rule about a field is written once, whatever format the field came in.
"""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import Struct

from producers.draft import ReportDraft
from producers.feeds import values
from producers.feeds.entries import Context
from producers.feeds.instants import TimeProblem, instant_of
from schemas.records.identifiers import CountryCode
from schemas.records.values import Instant, Ternary, Text
from schemas.screening.plans import LONGEST_BY_FIELD, LONGEST_TEXT
from schemas.vocabularies import vocabulary

MOST_MEMBERS: Final = 1_000
MASKED: Final = "[masked:"
"""How a value begins that was masked in a file of rejects."""
CLOCK_TOLERANCE_MS: Final = 300_000
LATER_ALLOWED: Final = frozenset({"retain_until", "preservation_until"})
"""Times that lie in the future by their nature; all others have happened."""
NOT_STATED: Final = frozenset({"source_format", "removed_fields", "from_profile", "provenance"})
"""Fields that a feed or the profile fills in, and no input may."""


class Found(Struct, frozen=True, kw_only=True):
    """A problem or notice at a path of the record."""

    path: str
    code: str
    facts: dict[str, object] = {}


class Shaped(Struct, frozen=True, kw_only=True):
    """A draft, or the problems that stand in its way."""

    draft: ReportDraft | None
    problems: tuple[Found, ...] = ()
    notices: tuple[Found, ...] = ()


def shaped(content: Mapping[str, Any], context: Context) -> Shaped:
    """Read one report from plain values named as the record names them."""
    shaping = _Shaping(context)
    draft = shaping.record(content, ReportDraft, "")
    if shaping.problems:
        return Shaped(draft=None, problems=tuple(shaping.problems), notices=tuple(shaping.notices))
    assert isinstance(draft, ReportDraft)  # noqa: S101 -- without a problem every record is built
    return Shaped(draft=draft, notices=tuple(shaping.notices))


class _Place(Struct, frozen=True):
    """Where a value stands: its path, and the record and field that declare it."""

    path: str
    record: str
    field: str


class _Shaping:
    """One report's pass over its values; keeps what is wrong and goes on, so that all of it is told at once."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.problems: list[Found] = []
        self.notices: list[Found] = []

    def record(self, value: object, record_type: type[Struct], path: str) -> Any:
        """A record from an object of its fields."""
        if not isinstance(value, Mapping):
            return self._refuse(path, code="field.not_object", found=_kind(value))
        hints = _hints(record_type)
        prefix = f"{path}." if path else ""
        stated: dict[str, Any] = {}
        for name, given in value.items():
            here = f"{prefix}{name}"
            if name not in hints or name in NOT_STATED:
                self._refuse(here, code="field.unknown", expected=", ".join(sorted(hints.keys() - NOT_STATED)))
            elif given is not None:
                read = self._value(given, hints[name], _Place(here, record_type.__name__, name))
                stated |= {} if read is None else {name: read}
        return self._built(record_type, stated, path)

    def _built(self, record_type: type[Struct], stated: dict[str, Any], path: str) -> Any:
        for field in msgspec.structs.fields(record_type):
            if field.required and field.name not in stated:
                here = f"{path}.{field.name}" if path else field.name
                return None if self.problems else self._refuse(here, code="field.missing")
        record = record_type(**stated)
        for fault in values.faults(record):
            self._refuse(f"{path}.{fault.path}" if path else fault.path, code=fault.code, **fault.facts)
        return record

    def _value(self, value: object, hint: Any, place: _Place) -> Any:
        hint = _without_none(hint)
        if typing.get_origin(hint) is tuple:
            return self._members(value, typing.get_args(hint)[0], place)
        if typing.get_origin(hint) is dict:
            return self._map(value, place)
        reader = _READERS.get(hint)
        if reader:
            return reader(self, value, place)
        if issubclass(hint, StrEnum):
            return self._symbol(value, hint, place)
        return self.record(value, hint, place.path)

    def _members(self, value: object, hint: Any, place: _Place) -> Any:
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            return self._refuse(place.path, code="field.not_list", found=_kind(value))
        if len(value) > MOST_MEMBERS:
            return self._refuse(place.path, code="field.too_many", found=len(value))
        members = (
            self._value(member, hint, msgspec.structs.replace(place, path=f"{place.path}[{n}]"))
            for n, member in enumerate(value)
        )
        return tuple(member for member in members if member is not None)

    def _map(self, value: object, place: _Place) -> Any:
        if not isinstance(value, Mapping):
            return self._refuse(place.path, code="field.not_object", found=_kind(value))
        read = {str(key): self._text(text, place) for key, text in value.items()}
        return {key: text for key, text in read.items() if text}

    def _text(self, value: object, place: _Place) -> Any:
        if not isinstance(value, str):
            return self._refuse(place.path, code="field.not_text", found=_kind(value))
        text = value.strip()
        if text.startswith(MASKED):
            return self._refuse(place.path, code="value.masked")
        longest = LONGEST_BY_FIELD.get(place.field, LONGEST_TEXT)
        if len(text) > longest:
            return self._refuse(place.path, code="text.too_long", longest=longest, found=len(text))
        return self._code(text, place) if text else text

    def _code(self, text: str, place: _Place) -> str:
        """The vocabulary's spelling where the field has one; an unknown code is kept and told."""
        name = values.VOCABULARIES.get((place.record, place.field))
        if name is None:
            return text
        codes = vocabulary(name)
        code = codes.code_of(text)
        if not codes.is_known(code):
            self.notices.append(Found(path=place.path, code="code.unknown", facts={"vocabulary": name}))
        return code

    def _country(self, value: object, place: _Place) -> Any:
        text = self._text(value, place)
        if not text:
            return text
        codes = vocabulary("country")
        code = codes.code_of(text)
        return code if codes.is_known(code) else self._refuse(place.path, code="country.unknown")

    def _note(self, value: object, place: _Place) -> Any:
        if isinstance(value, str):
            value = {"text": value}
        return self.record(value, Text, place.path)

    def _number(self, value: object, place: _Place, kind: type[int] | type[float]) -> Any:
        number = _number_in(value, kind)
        if number is None or not values.is_storable(number):
            return self._refuse(place.path, code="field.not_number", found=_kind(value))
        return number

    def _flag(self, value: object, place: _Place) -> Any:
        """True or false, or a word for it: what is not stated stays as it is."""
        if isinstance(value, bool):
            return value
        found = _FLAGS.get(value.strip().casefold()) if isinstance(value, str) else None
        return self._refuse(place.path, code="field.not_flag", found=_kind(value)) if found is None else found

    def _symbol(self, value: object, symbols: type[StrEnum], place: _Place) -> Any:
        word = values.symbol_of(value, is_ternary=symbols is Ternary)
        if word in symbols.__members__:
            return symbols[word]
        expected = ", ".join(symbol.lower() for symbol in symbols)
        return self._refuse(place.path, code="field.not_symbol", expected=expected)

    def _instant(self, value: object, place: _Place) -> Any:
        if not isinstance(value, str):
            return self._refuse(place.path, code="time.not_iso")
        if not value.strip():
            return None
        read = instant_of(value, self._context.utc_offset_minutes)
        if isinstance(read, TimeProblem):
            return self._refuse(place.path, code=read.code)
        has_come = read.epoch_ms <= self._context.now_ms + CLOCK_TOLERANCE_MS
        if has_come and place.field in LATER_ALLOWED:
            return self._refuse(place.path, code="time.already_past")
        if not has_come and place.field not in LATER_ALLOWED:
            return self._refuse(place.path, code="time.in_future")
        return read

    def _refuse(self, path: str, *, code: str, **facts: object) -> Any:
        """Write a problem down; there is no value then."""
        self.problems.append(Found(path=path, code=code, facts=facts))
        return None


_FLAGS: Final = {"yes": True, "true": True, "no": False, "false": False}
_READERS: Final[dict[Any, Callable[[_Shaping, object, _Place], Any]]] = {
    str: _Shaping._text,
    CountryCode: _Shaping._country,
    Instant: _Shaping._instant,
    Text: _Shaping._note,
    bool: _Shaping._flag,
    int: lambda shaping, value, place: shaping._number(value, place, int),
    float: lambda shaping, value, place: shaping._number(value, place, float),
}


@cache
def _hints(record_type: type[Struct]) -> Mapping[str, Any]:
    return typing.get_type_hints(record_type)


def _without_none(hint: Any) -> Any:
    """The type itself: of `T | None` the T, of an id's own type its text; a country keeps its name."""
    if typing.get_origin(hint) in {typing.Union, types.UnionType}:
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    return hint if hint is CountryCode else getattr(hint, "__supertype__", hint)


def _number_in(value: object, kind: type[int] | type[float]) -> int | float | None:
    """The number that a value is or spells; true and false are none, and 1.5 is no whole number."""
    try:
        if isinstance(value, str):
            return kind(value)
    except ValueError:
        return None
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, int | float) and (is_number or (kind is float and isinstance(value, float))):
        return kind(value)
    return None


def _kind(value: object) -> str:
    """What was found, in the words of JSON; never the value."""
    names = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "true or false",
        int: "a number",
        float: "a number",
    }
    return names.get(type(value), "nothing")
