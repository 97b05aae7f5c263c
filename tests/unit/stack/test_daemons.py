"""A daemon on a real process: started once, ended for certain, and never after it was forbidden."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.failures import Broken
from tocsin.stack.daemons import Daemon

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    one = Daemon("sleeper", tmp_path)
    yield one
    one.kill()


def test_it_is_started_once_and_found_again_by_its_trace(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start(SLEEP, {})
    pid = daemon.pid()
    daemon.start(SLEEP, {})
    assert daemon.pid() == pid == Daemon("sleeper", tmp_path).pid()


def test_what_was_forbidden_is_not_started_by_a_thread_that_comes_late(daemon: Daemon) -> None:
    daemon.forbid()
    with pytest.raises(Broken) as caught:
        daemon.start(SLEEP, {})
    assert (caught.value.code, daemon.running()) == ("stack.stopped", False)


def test_it_ends_politely_and_stopping_twice_is_harmless(daemon: Daemon) -> None:
    daemon.start(SLEEP, {})
    assert daemon.stop()
    assert not daemon.running()
    assert not daemon.stop()


def test_what_ended_while_starting_shows_the_end_of_its_log(daemon: Daemon) -> None:
    daemon.start([sys.executable, "-c", "import sys; sys.exit('no such thing')"], {})
    while daemon.running():
        pass
    with pytest.raises(Broken, match=r"(?s)ended while starting.*sleeper\.log.*no such thing") as caught:
        daemon.require_running()
    assert caught.value.code == "stack.ended"


def test_the_trace_of_another_process_is_not_ours(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "sleeper.pid").write_text('{"pid": 1, "started_ticks": 1}')
    assert (daemon.running(), daemon.pid(), daemon.stop()) == (False, None, False)
