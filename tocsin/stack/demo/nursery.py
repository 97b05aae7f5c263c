"""Children that are forked from one process which has imported everything: seventeen imports cost ten seconds."""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from ctypes import CDLL
from multiprocessing import forkserver, get_context, resource_tracker
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tocsin.stack.demo.crew import PR_SET_PDEATHSIG, Child
from tocsin.stack.interrupts import kept_back

Program = Callable[[list[str]], None]
"""What a child runs; found by its name, so it must be a function of a module."""


class Nursery:
    """Forks what `python -m tocsin ARGUMENTS` would start; built before this process has threads or connections."""

    def __init__(self, program: Program, preloaded: Sequence[str]) -> None:
        self._program = program
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(list(preloaded))
        resource_tracker.ensure_running()  # first: it would lift the mask
        with kept_back():  # Ctrl-C on a terminal reaches this process too
            forkserver.ensure_running()

    def launch(self, arguments: Sequence[str], log: Path) -> Child:
        """Start one; its output goes to its own log file."""
        log.touch(mode=0o600)  # at once, as `commanded` does: who waits for a line in it opens it before the child does
        process = self._context.Process(target=run, args=(self._program, tuple(arguments), str(log)), daemon=True)
        process.start()
        return _Forked(process)


class _Forked:
    """A forked child with the words of `subprocess`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.pid: int = process.pid or 0

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutError
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def run(program: Program, arguments: tuple[str, ...], log: str) -> None:
    """The child: a session and a log of its own; it ends when its nursery does."""
    os.setsid()  # Ctrl-C reaches the parent alone, which ends the children in order
    CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, written), (2, written)):
        os.dup2(source, number)
    sys.argv = ["tocsin", *arguments]
    program(list(arguments))
