"""Fixtures that every test may ask for; the stack is started once per session, on free ports, and stopped."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure; durations are not what we test.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


def running(prefix: str) -> Iterator[Any]:
    """A stack with the sample policy's members, in a short-lived home whose name begins so."""
    from tocsin.stack.charter import sample_charter  # noqa: PLC0415 -- only tests that ask for it need the extras
    from tocsin.stack.local import LocalStack  # noqa: PLC0415 -- as above

    home = Path(tempfile.mkdtemp(prefix=prefix))
    stack = LocalStack(home, brief=True)
    try:
        stack.up(sample_charter())
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def stack() -> Iterator[object]:
    """The real Kafka, PostgreSQL and registry; nobody triages on it, so that a test's topics are its own."""
    yield from running("tocsin-test-")


@pytest.fixture(scope="session")
def busy_stack() -> Iterator[object]:
    """Another one, for tests that run triage: reports go to every member there."""
    yield from running("tocsin-test-")
