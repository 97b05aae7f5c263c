"""Lines of a table with the way back: a row that does not end takes its first line with it, and no other."""

from collections import deque
from typing import BinaryIO, Final

from producers.feeds.lines import bounded_lines

_MOST_LINES_OF_ONE_ROW: Final = 200
_COMMENT: Final = "# "


def is_comment(first_cell: str) -> bool:
    """Whether a row is an explanation; references may begin with # as ticket numbers do, with no space after it."""
    return first_cell.startswith(_COMMENT)


class Lines:
    """Lines as text; bytes that are no UTF-8 survive as surrogates, so that only their row is rejected."""

    def __init__(self, stream: BinaryIO) -> None:
        self._source = bounded_lines(stream)
        self._again: deque[str | None] = deque()
        self._row: list[str | None] = []
        self._before = 0

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if len(self._row) >= _MOST_LINES_OF_ONE_ROW:
            raise StopIteration  # the row is broken then, and its reader says so
        line = self._again.popleft() if self._again else self._read()
        self._row.append(line)
        return "\n" if line is None else line

    def begin_row(self) -> int:
        """Forget the row before; tells the number of the next one's first line."""
        self._before += len(self._row)
        self._row = []
        return self._before + 1

    def give_back(self) -> str:
        """Let all lines of this row but the first be read again; tells the first."""
        first, *rest = self._row
        self._again.extendleft(reversed(rest))
        self._row = [first]
        return (first or "").rstrip("\r\n")

    @property
    def is_too_long(self) -> bool:
        """Whether a line of this row was longer than the bound, and was passed over."""
        return None in self._row

    @property
    def ends_a_line(self) -> bool:
        """Whether this row's last line has its end."""
        return bool(self._row) and (self._row[-1] or "").endswith(("\n", "\r"))

    def _read(self) -> str | None:
        _, line = next(self._source)
        return None if line is None else line.decode("utf-8", "surrogateescape")
