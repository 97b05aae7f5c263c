"""Lines of a stream, bounded: a line that is too long is named and skipped, never held."""

from collections.abc import Iterator
from typing import BinaryIO, Final

LONGEST_LINE_BYTES: Final = 1_048_576
_SKIP_BYTES: Final = 65_536
BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def bounded_lines(stream: BinaryIO, longest_bytes: int = LONGEST_LINE_BYTES) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None for one that is longer than the bound."""
    number = 0
    while line := stream.readline(longest_bytes + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BYTE_ORDER_MARK)
        if len(line) <= longest_bytes:
            yield number, line
        else:
            _skip_rest(stream, line)
            yield number, None


def _skip_rest(stream: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(_SKIP_BYTES)
