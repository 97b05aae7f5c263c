"""Whether what was expected is a part of what was found, and where it is not."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_TOLERANCE: Final = 1e-6
OPERATORS: Final = frozenset({"at_least", "at_most", "contains", "exactly", "none_of"})


def differences(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Nothing where it matches; otherwise a sentence for each difference.

    An object matches where each of its keys does; a list where each of its members matches another member found, and
    an empty list only nothing; texts match in any case. `{"at_least": n}`, `{"at_most": n}`, `{"contains": text}`,
    `{"exactly": [...]}` and `{"none_of": [...]}` say more; of a single value, `none_of` is that it is none of these.
    """
    if _is_operation(expected) and not (isinstance(found, Mapping) and expected.keys() <= found.keys()):
        yield from _operated(expected, found, path)
    elif isinstance(expected, Mapping):
        yield from _object(expected, found, path)
    elif isinstance(expected, list):
        yield from _list(expected, found, path)
    elif not _is_equal(expected, found):
        yield _sentence(path, expected, found)


def matches(expected: Any, found: Any) -> bool:
    """Whether there is no difference."""
    return next(differences(expected, found), None) is None


def _is_operation(expected: Any) -> bool:
    return isinstance(expected, Mapping) and bool(expected) and expected.keys() <= OPERATORS


def _operated(expected: Mapping[str, Any], found: Any, path: str) -> Iterator[str]:
    for name, value in expected.items():
        if not _holds(name, value, found):
            yield _sentence(path, {name: value}, found)


def _holds(name: str, value: Any, found: Any) -> bool:
    if name in {"at_least", "at_most"}:
        if not isinstance(found, int | float):
            return False
        return bool(found >= value) if name == "at_least" else bool(found <= value)
    if name == "contains":
        return isinstance(found, str) and str(value).casefold() in found.casefold()
    members = list(found) if isinstance(found, Sequence | Mapping) and not isinstance(found, str) else [found]
    if name == "none_of":
        return not any(matches(one, member) for one in value for member in members)
    return len(value) == len(members) and matches(value, members)


def _object(expected: Mapping[str, Any], found: Any, path: str) -> Iterator[str]:
    if not isinstance(found, Mapping):
        yield _sentence(path, expected, found)
        return
    for key, value in expected.items():
        inner = f"{path}.{key}" if path else key
        if key not in found:
            yield f"{inner}: expected {value!r}, found no such key (there are {', '.join(map(str, found))})"
        else:
            yield from differences(value, found[key], inner)


def _list(expected: list[Any], found: Any, path: str) -> Iterator[str]:
    if not isinstance(found, list):
        yield _sentence(path, expected, found)
        return
    if not expected and found:
        yield _sentence(path, [], found)
    left = list(found)
    for one in expected:
        member = next((place for place, other in enumerate(left) if matches(one, other)), None)
        if member is None:
            yield f"{path}: expected {one!r} among {found!r}"
        else:
            left.pop(member)


def _is_equal(expected: Any, found: Any) -> bool:
    if isinstance(expected, str) and isinstance(found, str):
        return expected.casefold() == found.casefold()
    if isinstance(expected, bool) or isinstance(found, bool):
        return expected is found
    if isinstance(expected, int | float) and isinstance(found, int | float):
        return abs(expected - found) <= _TOLERANCE
    return bool(expected == found)


def _sentence(path: str, expected: Any, found: Any) -> str:
    return f"{path or 'the outcome'}: expected {expected!r}, found {found!r}"
