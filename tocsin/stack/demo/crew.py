"""The processes of the exchange as children of one: none outlives it, whatever ends it."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from schemas.failures import Broken

_PR_SET_PDEATHSIG = 1
"""Linux prctl: the kernel signals the child when its parent dies, also by SIGKILL."""
_LIBC = ctypes.CDLL(None, use_errno=True)


class Crew:
    """Named children with a log file each; leaving the block ends them all, first politely."""

    def __init__(self, home: Path, logs: Path, program: str = "tocsin") -> None:
        self._home = home
        self._program = program
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

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
        command = [sys.executable, "-m", self._program, *arguments, "--home", str(self._home)]
        with self.log(name).open("ab") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603 -- our own interpreter and our own words
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the parent alone, which ends the children in order
                preexec_fn=_die_with_parent,  # noqa: PLW1509 -- nothing but one system call, before any thread exists
            )

    def log(self, name: str) -> Path:
        """Where that child writes."""
        return self._logs / f"{name}.log"

    def kill(self, name: str) -> None:
        """SIGKILL one child: what a chaos test does."""
        self._children[name].kill()
        self._children.pop(name).wait()

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


def _end(child: subprocess.Popen[bytes], deadline_seconds: float) -> None:
    try:
        child.wait(timeout=max(0.0, deadline_seconds - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _die_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
