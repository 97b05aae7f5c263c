"""Which bundle of its period a referral joins: the store is asked once a batch, and the batch counts from there."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection

from consumers.store import arrivals

MOST_MEMBERS: Final = 100


class Bundles:
    """Of one transaction: what it holds, no courier takes until it ends."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sizes: dict[str, dict[str, int]] = {}
        self._parts: dict[str, int] = defaultdict(int)
        self._held: set[str] = set()

    def joined(self, prefix: str, row: Mapping[str, Any]) -> str:
        """The key of the first bundle with this prefix that has room and has not left, made from `row` where needed.

        Whoever asked before in this transaction found no room in earlier parts, and nobody makes any in between.
        """
        if prefix not in self._sizes:
            self._sizes[prefix] = defaultdict(int, arrivals.bundle_sizes(self._connection, prefix))
        sizes = self._sizes[prefix]
        while not self._has_room(key := f"{prefix}{self._parts[prefix]}", sizes, row):
            self._parts[prefix] += 1
        sizes[key] += 1
        return key

    def _has_room(self, key: str, sizes: Mapping[str, int], row: Mapping[str, Any]) -> bool:
        if sizes[key] >= MOST_MEMBERS:
            return False
        if key not in self._held:
            arrivals.ensure_bundle(self._connection, {**row, "key": key})
            if not arrivals.hold_bundle(self._connection, key):
                return False
            self._held.add(key)
        return True
