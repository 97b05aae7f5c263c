"""What the chaos tests share: an exchange that they may break."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.stack.charter import sample_charter
from tocsin.stack.local import LocalStack


@pytest.fixture
def own_stack() -> Iterator[LocalStack]:
    """A stack of its own: its services are killed, and its ledger must hold nothing of other tests."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-chaos-"))
    stack = LocalStack(home, brief=True)
    try:
        stack.up(sample_charter())
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)
