"""JSON and TOML that somebody else wrote: decoded within bounds, or refused in one way whatever is wrong with it."""

import json
import re
import tomllib
from typing import Any, Final

import msgspec

MOST_PARTS: Final = 1_500_000
"""Lists, objects and what they hold: each may take 200 bytes of memory for the few that it has in the file."""
MOST_TOML_BYTES: Final = 16_777_216
_PARTS: Final = (b",", b"[", b"{")
_SIMPLE_KEY: Final = r"""(?:[A-Za-z0-9_-]++|"[^"\n]*+"|'[^'\n]*+')"""
_DEEP_KEY: Final = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_SIMPLE_KEY}[ \t]*+\.[ \t]*+){{12}}")
"""Reading a key of n parts takes n * n steps in the standard library: a minute for a hundred kilobytes."""


def json_value(data: bytes) -> Any:
    """What one JSON document says; raises msgspec.DecodeError, or UnicodeDecodeError for what is no UTF-8.

    Refused are values nested too deeply, numbers of thousands of digits, more parts than memory is spent on, and an
    object with a key that is there twice: two readers would take it to say two things.
    """
    if sum(map(data.count, _PARTS)) > MOST_PARTS:
        raise msgspec.DecodeError(f"at most {MOST_PARTS} parts")
    text = data.decode("utf-8")
    try:
        value = msgspec.json.decode(text)
        if isinstance(value, dict | list):
            _ONCE.decode(text)
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError("values within bounds, and each key once") from error
    return value


def toml_table(data: bytes) -> dict[str, Any]:
    """What a TOML document says; raises msgspec.DecodeError whatever is wrong with it."""
    if len(data) > MOST_TOML_BYTES:
        raise msgspec.DecodeError(f"at most {MOST_TOML_BYTES} bytes")
    try:
        text = data.decode("utf-8")
        if _DEEP_KEY.search(text):
            raise msgspec.DecodeError("at most 12 parts of a key")
        return tomllib.loads(text)
    except RecursionError as error:
        raise msgspec.DecodeError("values nested less deeply") from error
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from error


def _once(pairs: list[tuple[str, Any]]) -> None:
    if len(pairs) != len(dict(pairs)):
        raise ValueError


_ONCE: Final = json.JSONDecoder(object_pairs_hook=_once)
