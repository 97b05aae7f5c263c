"""What pure functions of one bundle have found before: the same question to the same policy has the same answer."""

from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

MOST_REMEMBERED: Final = 20_000
"""Some ten megabytes; members, purposes and labels come in far fewer combinations."""

T = TypeVar("T")


class Memory:
    """Bounded, and gone with its bundle."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._found: dict[Hashable, Any] = {}
        self._most = most

    def __len__(self) -> int:
        return len(self._found)

    def recall(self, key: Hashable, find: Callable[[], T]) -> T:
        """The answer to a question; looked for once."""
        try:
            found: T = self._found[key]
        except KeyError:
            if len(self._found) >= self._most:
                self._found.clear()
            found = self._found[key] = find()
        return found
