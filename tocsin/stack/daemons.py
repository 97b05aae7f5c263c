"""A background process with a name: started once, found again after a crash of ours, ended for certain."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from schemas.failures import Broken
from tocsin.stack.files import write_whole

_POLL_SECONDS: Final = 0.05
_KILL_SECONDS: Final = 5.0
_OTHERS: Final = 0o077
"""What a process of the stack gives nobody but its owner."""


class Trace(Struct, frozen=True):
    """Which process it is: a pid alone may have been given to another one since."""

    pid: int
    started_ticks: int
    """Field 22 of /proc/<pid>/stat: start time in clock ticks since boot."""


_DECODER: Final = msgspec.json.Decoder(Trace)
"""Made before there are threads (schemas/learning.py): services are stopped side by side."""


class Daemon:
    """One process, its log and its pid file, in a home."""

    def __init__(self, name: str, home: Path) -> None:
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self._trace_file = home / "run" / f"{name}.pid"
        self._starting = threading.Lock()
        self._forbidden = False

    def running(self) -> bool:
        """Whether the process that we started is still there."""
        trace = self._read()
        return trace is not None and _started_ticks(trace.pid) == trace.started_ticks

    def pid(self) -> int | None:
        """Its pid, where it runs."""
        trace = self._read()
        return trace.pid if trace and self.running() else None

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it, unless it runs; raises Broken where it was forbidden meanwhile."""
        with self._starting:
            if self._forbidden:
                raise Broken(f"{self.name} was not started: the command was stopped.", code="stack.stopped")
            if not self.running():
                self._launch(command, environment)

    def forbid(self) -> None:
        """From now on `start` raises Broken: whoever stops it next is not overtaken by a thread that starts it."""
        with self._starting:
            self._forbidden = True

    def _launch(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        for folder in (self.log.parent, self._trace_file.parent):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            process = subprocess.Popen(  # noqa: S603 -- words of ours
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                umask=_OTHERS,  # a broker's segments hold reports
                start_new_session=True,  # it outlives the command that started it, and Ctrl-C is not for it
            )
        _reap_later(process)
        write_whole(self._trace_file, msgspec.json.encode(Trace(process.pid, _started_ticks(process.pid) or 0)))

    def require_running(self) -> None:
        """Raise Broken with the end of the log where it has ended."""
        if not self.running():
            raise Broken(
                f"{self.name} ended while starting. Its log: {self.log}\n{self._log_end()}", code="stack.ended"
            )

    def stop(self, polite: signal.Signals = signal.SIGTERM, grace_seconds: float = 20) -> bool:
        """End it: politely, then by force; harmless where it does not run. Tells whether politeness did it."""
        trace, ended_itself = self._read(), False
        if trace is not None and self.running():
            _signal_group(trace.pid, polite)
            ended_itself = self._gone_within(grace_seconds)
            if not ended_itself:
                _signal_group(trace.pid, signal.SIGKILL)
                self._gone_within(_KILL_SECONDS)
        self._trace_file.unlink(missing_ok=True)
        return ended_itself

    def kill(self) -> None:
        """SIGKILL, as a power cut would: for chaos tests."""
        trace = self._read()
        if trace is not None and self.running():
            _signal_group(trace.pid, signal.SIGKILL)
            self._gone_within(_KILL_SECONDS)

    def _gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.running():
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def _read(self) -> Trace | None:
        try:
            return _DECODER.decode(self._trace_file.read_bytes())
        except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _log_end(self, lines: int = 5) -> str:
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except FileNotFoundError:
            return ""


def _started_ticks(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def works_in(folder: Path) -> bool:
    """Whether a process that we may look at has this folder as its working directory."""
    wanted = str(folder)
    return any(_working_directory(process) == wanted for process in Path("/proc").iterdir() if process.name.isdigit())


def _working_directory(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:  # it ended meanwhile, or is another user's
        return ""


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _reap_later(process: subprocess.Popen[bytes]) -> None:
    """Let Python collect the child whenever it ends, without a warning that it still runs."""
    process.returncode = 0
