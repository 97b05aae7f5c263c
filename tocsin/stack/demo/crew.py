"""The processes of the exchange as children of one: none outlives it, whatever ends it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from schemas.failures import Broken

PR_SET_PDEATHSIG = 1
"""Linux prctl: the kernel signals the child when its parent dies, also by SIGKILL."""
_LIBC = ctypes.CDLL(None, use_errno=True)


class Child(Protocol):
    """A process of ours, in the words of `subprocess.Popen`."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code, or None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once it has ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


Launch = Callable[[Sequence[str], Path], Child]
"""Starts `tocsin ARGUMENTS` with its output in a log file."""


class Crew:
    """Named children with a log file each; leaving the block ends them all, first politely."""

    def __init__(self, home: Path, logs: Path, program: str = "tocsin", launch: Launch | None = None) -> None:
        self._home = home
        self._launch = launch or partial(commanded, program)
        self._logs = logs
        self._children: dict[str, Child] = {}

    def __enter__(self) -> Self:
        """Start with nobody."""
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every child."""
        self.stop(grace_seconds=10)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `tocsin ARGUMENTS` as a child of that name; its output goes to its own log file."""
        self._children[name] = self._launch((*arguments, "--home", str(self._home)), self.log(name))

    def log(self, name: str) -> Path:
        """Where that child writes."""
        return self._logs / f"{name}.log"

    def kill(self, name: str) -> None:
        """SIGKILL one child: what a chaos test does."""
        self._children[name].kill()
        self._children.pop(name).wait()

    def leave(self, name: str, grace_seconds: float) -> None:
        """End one child politely; by force where it takes longer."""
        child = self._children.pop(name)
        child.terminate()
        _end(child, time.monotonic() + grace_seconds)

    def pid(self, name: str) -> int:
        """The process of one child: for who stops, moves or measures it."""
        return self._children[name].pid

    def names(self) -> tuple[str, ...]:
        """The children that were started and not killed by us."""
        return tuple(self._children)

    def ended(self) -> Mapping[str, int]:
        """Children that ended by themselves, and their exit codes."""
        codes = {name: child.poll() for name, child in self._children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def require_all(self) -> None:
        """Raise Broken, naming child and log, where one ended by itself."""
        for name, code in self.ended().items():
            raise Broken(
                f"The {name} process ended with exit code {code}; its log is {self.log(name)}", code="demo.child_ended"
            )

    def stop(self, grace_seconds: float) -> None:
        """SIGTERM to all, then SIGKILL to whoever is left after the grace time."""
        for child in self._children.values():
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + grace_seconds
        for child in self._children.values():
            _end(child, deadline)
        self._children.clear()


def commanded(program: str, arguments: Sequence[str], log: Path, before: Sequence[str] = ()) -> Child:
    """`python -m PROGRAM ARGUMENTS` as a child; `before` are words of a command that becomes it, as env does."""
    with log.open("ab") as written:
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and our own words
            [*before, sys.executable, "-m", program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends the children in order
            preexec_fn=_die_with_parent,  # noqa: PLW1509 -- nothing but one system call, before any thread exists
        )


def _end(child: Child, deadline_seconds: float) -> None:
    try:
        child.wait(timeout=max(0.0, deadline_seconds - time.monotonic()))
    except (subprocess.TimeoutExpired, TimeoutError):
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _die_with_parent() -> None:
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
