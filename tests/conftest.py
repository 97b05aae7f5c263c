"""Fixtures that every test may ask for; the stack is started once per session, on free ports, and stopped."""

import fcntl
import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, settings

# Whoever looks at a case has to say why; a test in which that matters says it, or takes it away.
os.environ.setdefault("TOCSIN_PURPOSE", "a test")

# A busy machine is no failure; durations are not what we test.
settings.register_profile("tocsin", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tocsin")


def running(prefix: str, turns: Path) -> Iterator[Any]:
    """A stack with the sample policy's members, in a short-lived home whose name begins so; `turns` is its run's."""
    from tocsin.stack.charter import sample_charter  # noqa: PLC0415 -- only tests that ask for it need the extras
    from tocsin.stack.local import LocalStack  # noqa: PLC0415 -- as above

    home = Path(tempfile.mkdtemp(prefix=prefix))
    stack = LocalStack(home, brief=True)
    try:
        _up(lambda: stack.up(sample_charter()), stack.down, home / "run", turns)
        yield stack
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


def _up(up: Callable[[], None], down: Callable[[], None], run: Path, turns: Path) -> None:
    """The first of a run starts alone; where its Java programs train (stack/java.py) it ends at once, and starts anew.

    Without that, on a machine that has no caches, eight stacks of four workers leave one each, when all is done.
    """
    with turns.open("a") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not turn.seek(0, os.SEEK_END):  # what stands there was written while this one waited
            up()
            turn.write("the first stack has started\n")
            if not any(run.glob("*.aot-for")):
                return
            down()
    up()


_SHARED: Final[list[Any]] = []
"""The stacks of this worker that its files share."""
_SHARING: Final[set[Path]] = set()
"""Files with a test that needs one."""


def _shared(turns: Path) -> Iterator[Any]:
    for stack in running("tocsin-test-", turns):
        _SHARED.append(stack)
        yield stack


@pytest.hookimpl(trylast=True)  # once the fixtures of this file have ended
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Files that share come first: the next that does not share ends what idles, a broker and two servers each."""
    if _SHARED and item.path not in _SHARING:
        pytest.fail(
            f"{item.path.name} asks for a shared stack while it runs, which may have ended. Expected the mark "
            "stack(shared=True) on what asks so."
        )
    if nextitem is not None and nextitem.path not in _SHARING:
        while _SHARED:
            _SHARED.pop().down()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that share a stack come first, then those with one of their own, which take long, then all others.

    Four workers of pytest-xdist (``--dist loadfile``) take one file after the other, its tests in their order.
    Not by groups (``xdist_group``): xdist 3.8 writes them where pytest from 9.1 on does not read them.
    """
    items.sort(key=_turn)
    _SHARING.update(item.path for item in items if _is_sharing(item))


def _turn(item: pytest.Item) -> tuple[int, str, int, str]:
    if _is_sharing(item):
        return (0, str(item.path), item.location[1] or 0, item.name)
    return (1 if item.get_closest_marker("stack") else 2, "", 0, "")


def _is_sharing(item: pytest.Item) -> bool:
    """By its fixtures, or by its mark where a fixture asks for the stack for some of its parameters only."""
    is_marked = any(mark.kwargs.get("shared") for mark in item.iter_markers("stack"))
    return is_marked or not {"busy_stack", "stack"}.isdisjoint(getattr(item, "fixturenames", ()))


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    """A command that a test runs in this process may heed a signal from then on; the next test's Ctrl-C is its own."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """A command that a test runs in this process sets up its log; what the next test hears of others is not its own."""
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    root.handlers[:] = [handler for handler in root.handlers if handler in handlers]


@pytest.fixture(scope="session")
def turns(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A file that the workers of one run share."""
    own = tmp_path_factory.getbasetemp()
    return (own if worker_id == "master" else own.parent) / "stacks"


@pytest.fixture(scope="session")
def stack(turns: Path) -> Iterator[object]:
    """The real Kafka, PostgreSQL and registry; nobody triages on it, so that a test's topics are its own."""
    yield from _shared(turns)


@pytest.fixture(scope="session")
def busy_stack(turns: Path) -> Iterator[object]:
    """Another one, for tests that run triage: reports go to every member there."""
    yield from _shared(turns)


@pytest.fixture(scope="module")
def keys_end_here(busy_stack: Any) -> Iterator[None]:
    """For files that make keys to sign on the shared exchange: at the end of the file each member has its newest alone.

    A member has at most two live keys, so that the next file could make none.
    """
    from tests.builders.signing import superseded  # noqa: PLC0415 -- only tests that ask for it need the extras

    yield
    busy_stack.keys.keeper.change(superseded)
