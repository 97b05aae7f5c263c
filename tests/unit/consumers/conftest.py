"""A counter for each test, closed after it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders.deliveries import Counter


@pytest.fixture
def open_counter(tmp_path: Path) -> Iterator[Callable[..., Counter]]:
    opened: list[Counter] = []

    def build(**changes: Any) -> Counter:
        opened.append(Counter(folder=tmp_path / f"store-{len(opened)}", **changes))
        return opened[-1]

    yield build
    for counter in opened:
        counter.close()


@pytest.fixture
def counter(open_counter: Callable[..., Counter]) -> Counter:
    return open_counter()
