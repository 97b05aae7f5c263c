"""Commands of ours without their imports: each is a process of its own, forked from one that has imported them all."""

import json
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired
from tempfile import TemporaryDirectory
from typing import Final

from tocsin.cli.main import SECTIONS, main
from tocsin.stack.demo.crew import Crew
from tocsin.stack.demo.nursery import Nursery

_PRELOADED: Final = tuple(f"tocsin.cli.{name}" for section in SECTIONS.values() for name in section)
_TIMEOUT_SECONDS: Final = 120.0


def tocsin(home: Path, *words: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> CompletedProcess[str]:
    """What `python -m tocsin WORDS --home HOME` prints and how it ends, for a test that is not about its start."""
    return ran((*words, "--home", str(home)), timeout_seconds)


def said(home: Path, *words: str) -> str:
    """What it prints, where it must end well."""
    done = tocsin(home, *words)
    done.check_returncode()
    return done.stdout


def ran(words: Sequence[str], timeout_seconds: float = _TIMEOUT_SECONDS) -> CompletedProcess[str]:
    """The same of a command without a home."""
    with TemporaryDirectory(prefix="tocsin-said-") as folder:
        (Path(folder) / "environment").write_text(json.dumps(dict(os.environ)), "utf-8")
        code = _code_of((folder, *words), Path(folder) / "errors", timeout_seconds)
        output, errors = ((Path(folder) / name).read_text("utf-8") for name in ("output", "errors"))
    return CompletedProcess(list(words), code, output, errors)


def a_crew(home: Path, logs: Path) -> Crew:
    """Children that run as long as the block, forked as well."""
    return Crew(home, logs, launch=_nursery(main).launch)


@cache
def _nursery(program: Callable[[list[str]], None]) -> Nursery:
    """One process has imported everything, whichever program its children run."""
    return Nursery(program, _PRELOADED)


def _code_of(arguments: Sequence[str], errors: Path, timeout_seconds: float) -> int:
    child = _nursery(_printing_apart).launch(arguments, errors)
    try:
        return child.wait(timeout_seconds)
    except TimeoutError as error:
        child.kill()
        raise TimeoutExpired(list(arguments), timeout_seconds) from error


def _printing_apart(arguments: list[str]) -> None:
    """In the child: the caller's environment of this moment, and the output not where the errors go."""
    folder, words = Path(arguments[0]), arguments[1:]
    os.environ.clear()
    os.environ.update(json.loads((folder / "environment").read_text("utf-8")))
    os.dup2(os.open(folder / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    main(words)
