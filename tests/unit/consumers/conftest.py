"""A counter for each test, closed after it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.builders.deliveries import Counter, counters


@pytest.fixture
def open_counter(tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    yield from counters(tmp_path)


@pytest.fixture
def counter(open_counter: Callable[..., Counter]) -> Counter:
    return open_counter()
