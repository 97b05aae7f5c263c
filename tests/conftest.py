"""Fixtures that every test may ask for; the stack is started once per session, on free ports, and stopped."""

import shutil
import signal
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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that share a stack come first, then those with one of their own, which take long, then all others.

    Three workers of pytest-xdist (``--dist loadfile``) take one file after the other, its tests in their order.
    Not by groups (``xdist_group``): xdist 3.8 writes them where pytest from 9.1 on does not read them.
    """
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> tuple[int, str, int, str]:
    if any(_shares(item, fixture) for fixture in ("busy_stack", "stack")):
        return (0, str(item.path), item.location[1] or 0, item.name)
    return (1 if item.get_closest_marker("stack") else 2, "", 0, "")


def _shares(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", [])


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """A command that a test runs in this process may heed a signal from then on; the next test's Ctrl-C is its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(scope="session")
def stack() -> Iterator[object]:
    """The real Kafka, PostgreSQL and registry; nobody triages on it, so that a test's topics are its own."""
    yield from running("tocsin-test-")


@pytest.fixture(scope="session")
def busy_stack() -> Iterator[object]:
    """Another one, for tests that run triage: reports go to every member there."""
    yield from running("tocsin-test-")
