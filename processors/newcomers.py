"""Members that came after a worker began: their topics are not read until the worker begins again."""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from schemas.failures import Broken

_LOG: Final = logging.getLogger(__name__)

Wanted = Callable[[int], Sequence[str]]
"""What the rules of that instant, and those that are promoted, let a worker read."""


class Newcomers:
    """One per worker; asked every few seconds whether it has to begin again."""

    def __init__(self, wanted: Wanted, read: Sequence[str], look: Callable[[Sequence[str]], object]) -> None:
        self._wanted = wanted
        self._read = frozenset(read)
        self._look = look
        self._told: frozenset[str] = frozenset()

    def __call__(self, now_ms: int) -> bool:
        """Whether there are topics to read that this worker does not; those that nobody made yet are named once.

        May raise Temporary.
        """
        missing = frozenset(self._wanted(now_ms)) - self._read
        there = frozenset(topic for topic in sorted(missing) if self._is_there(topic))
        awaited = missing - there
        if awaited - self._told:
            facts = {"topics": sorted(awaited)}
            _LOG.warning("A promoted member has no topics yet: tocsin acl apply", extra={"facts": facts})
        self._told = awaited
        if there:
            _LOG.info("Beginning again to read topics of new members.", extra={"facts": {"topics": sorted(there)}})
        return bool(there)

    def _is_there(self, topic: str) -> bool:
        try:
            self._look((topic,))
        except Broken:
            return False
        return True
