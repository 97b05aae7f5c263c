"""What the ledger of an exchange says of topics."""

from collections.abc import Collection
from pathlib import Path

from tocsin.stack.ledger import balance_of


def settled(home: Path, topics: Collection[str]) -> int:
    """How many of their records are settled; none while any of them waits."""
    lines = [line for line in balance_of(home).lines if line.topic in topics]
    return 0 if any(line.waiting for line in lines) else sum(sum(dict(line.outcomes).values()) for line in lines)
