"""What the chaos tests share: an exchange that they may break."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.run import Say
from tests.conftest import running
from tocsin.stack.local import LocalStack


@pytest.fixture
def own_stack(turns: Path) -> Iterator[LocalStack]:
    """A stack of its own: its services are killed, and its ledger must hold nothing of other tests."""
    yield from running("tocsin-chaos-", turns)


@pytest.fixture
def say() -> Say:
    """Tells the story of a run, with the seconds since it began: pytest shows it of one that failed."""
    began_seconds = time.monotonic()

    def said(sentence: str) -> None:
        print(f"{time.monotonic() - began_seconds:5.1f} s {sentence}")  # noqa: T201 -- the story of a run that failed

    return said
