"""What the chaos tests share: an exchange that they may break."""

from collections.abc import Iterator

import pytest

from tests.conftest import running
from tocsin.stack.local import LocalStack


@pytest.fixture
def own_stack() -> Iterator[LocalStack]:
    """A stack of its own: its services are killed, and its ledger must hold nothing of other tests."""
    yield from running("tocsin-chaos-")
