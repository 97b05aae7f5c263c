"""Who is measured: a process each, in the environment that it needs, with the same records."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.codec.records import Given
from benchmarks.peers.venvs import CODECS, python_of
from tests.engines import jvm

NAMES: Final[Mapping[str, str]] = {
    "fast": "fastavro, dictionaries",
    "engine_fastavro": "Tocsin's engine with fastavro",
    "cavro": "cavro, dictionaries",
    "engine_compiled": "Tocsin's compiled engine",
    "ours": "the compiled codec alone",
    "java": "Java's Avro, generic records",
}
"""The slowest first."""
REPORTS_ONLY: Final = frozenset({"engine_fastavro", "engine_compiled"})
_JAVA: Final = ("-Xms256m", "-Xmx256m", "-XX:+UseSerialGC")


@contextmanager
def commands() -> Iterator[Mapping[str, Sequence[str]]]:
    """What starts each; the file with its records comes behind."""
    own = {
        name: [sys.executable, "-m", "benchmarks.codec.alone", name] for name in NAMES if name not in {"cavro", "java"}
    }
    cavro = [str(python_of("cavro", CODECS)), "-m", "benchmarks.codec.alone", "cavro"]
    with TemporaryDirectory() as folder:
        java = jvm.command(Path(__file__).with_name("Alone.java"), jvm.AVRO, Path(folder), _JAVA)
        yield {**own, "cavro": cavro, "java": java}


def measured(command: Sequence[str], given: Given) -> dict[str, float]:
    """CPU-microseconds a record, to decode, to encode, and both ways."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "records.json"
        given.save(file)
        words = [*command, str(file)]
        done = subprocess.run(words, check=True, stdout=subprocess.PIPE)  # noqa: S603  # our own words
    found: dict[str, float] = json.loads(done.stdout)
    return found
