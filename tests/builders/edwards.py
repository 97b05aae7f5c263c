"""Arithmetic on Ed25519's curve, slow and plain, to make signatures that implementations disagree about (RFC 8032)."""

from collections.abc import Iterator
from hashlib import sha512
from typing import Final

PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, PRIME) % PRIME
_ROOT_OF_MINUS_ONE: Final = pow(2, (PRIME - 1) // 4, PRIME)
_SIGN_AT: Final = 255
_COFACTOR: Final = 8

Point = tuple[int, int]
NEUTRAL: Final[Point] = (0, 1)


def added(one: Point, other: Point) -> Point:
    """The sum of two points."""
    (x1, y1), (x2, y2) = one, other
    both = _D * x1 * x2 * y1 * y2 % PRIME
    x, y = (x1 * y2 + x2 * y1) * pow(1 + both, -1, PRIME), (y1 * y2 + x1 * x2) * pow(1 - both, -1, PRIME)
    return x % PRIME, y % PRIME


def times(factor: int, point: Point) -> Point:
    """A point added to itself so many times."""
    found = NEUTRAL
    while factor:
        if factor & 1:
            found = added(found, point)
        point, factor = added(point, point), factor >> 1
    return found


def encoded(point: Point) -> bytes:
    """As RFC 8032 writes it."""
    return (point[1] | (point[0] & 1) << _SIGN_AT).to_bytes(32, "little")


def other_encodings(point: Point) -> Iterator[bytes]:
    """As RFC 8032 forbids: a number that should have been reduced, or a sign where there is none."""
    x, y = point
    signs = {x & 1} | ({0, 1} if x == 0 else set())
    for number in (y, y + PRIME):
        for sign in signs:
            written = (number | sign << _SIGN_AT).to_bytes(32, "little") if number < 2**_SIGN_AT else b""
            if written and written != encoded(point):
                yield written


def challenge(r: bytes, public: bytes, message: bytes) -> int:
    """The number that ties a signature to its message."""
    return int.from_bytes(sha512(r + public + message).digest(), "little") % ORDER


def _point(y: int) -> Point | None:
    square = (y * y - 1) * pow(_D * y * y + 1, -1, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    x = x if (x * x - square) % PRIME == 0 else x * _ROOT_OF_MINUS_ONE % PRIME
    return None if (x * x - square) % PRIME else (x if x % 2 == 0 else PRIME - x, y)


def _small_order() -> tuple[Point, ...]:
    """The eight points that eight times over are nothing."""
    for y in range(2, 100):
        found = _point(y)
        torsion = times(ORDER, found) if found else NEUTRAL
        if times(_COFACTOR // 2, torsion) != NEUTRAL:
            return tuple(times(number, torsion) for number in range(_COFACTOR))
    raise AssertionError


def _base() -> Point:
    found = _point(4 * pow(5, -1, PRIME) % PRIME)
    assert found is not None
    return found


BASE: Final = _base()
SMALL_ORDER: Final = _small_order()
"""The neutral point first."""
