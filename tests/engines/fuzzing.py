"""`python -m tests.engines.fuzzing [DOOR ...]`: libFuzzer looks for bytes that break the compiled codec (codec/fuzz).

It is compiled with AddressSanitizer, and Python's own objects are allocated so that it watches them too. What it finds
lies in codec/fuzz/found. What it learned and is short is added to learned.txt, which every test replays.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from schemas.definitions import RECORD_TYPES, schema_text
from tests.engines.chance import Chance
from tests.engines.doors import DOORS, SEPARATOR
from tests.engines.learned import FILE, learned, lines

ROOT: Final = Path(__file__).parents[2]
CRATE: Final = ROOT / "codec" / "fuzz"
FOUND: Final = CRATE / "found"
GOLDEN: Final = ROOT / "tests" / "golden" / "v1"
LONGEST_BYTES: Final = 16_384
CHANCES: Final = 40
"""Schemas by chance to begin with: ours are long."""
LONGEST_LEARNED_BYTES: Final = 200
MOST_LEARNED: Final = 60
"""Of one door: every test replays them, and a person looks at the file."""


@click.command()
@click.argument("doors", nargs=-1, type=click.Choice(list(DOORS)))
@click.option("--seconds", default=600, show_default=True, help="For each door.")
def main(doors: tuple[str, ...], seconds: int) -> None:
    """Fuzz each door, and keep what was learned; 1 where one of them found something."""
    results = [fuzzed(door, seconds) for door in doors or DOORS]
    sys.exit(max(results))


def fuzzed(door: str, seconds: int) -> int:
    """Fuzz one door from what is known of it; adds what was learned to the file."""
    corpus = FOUND / f"corpus-{door}"
    corpus.mkdir(parents=True, exist_ok=True)
    for place, seed in enumerate(seeds(door)):
        (corpus / f"seed-{place}").write_bytes(seed)
    bounds = [
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_BYTES}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        f"-artifact_prefix={FOUND}/{door}-",
    ]
    if (words := CRATE / f"{door}.dict").exists():
        bounds.append(f"-dict={words}")
    click.echo(f"{door}: {seconds} seconds")
    code = _run(door, [str(corpus)], bounds)
    with tempfile.TemporaryDirectory() as least:
        _run(door, [least, str(corpus)], ["-merge=1"])
        short = sorted((file.read_bytes() for file in Path(least).iterdir()), key=lambda data: (len(data), data))
    _add(door, [data for data in short if len(data) <= LONGEST_LEARNED_BYTES])
    return code


def seeds(door: str) -> Iterator[bytes]:
    """What was learned, and the golden records or our schemas."""
    yield from (data for known, data in learned() if known == door)
    for place, record_type in enumerate(RECORD_TYPES):
        records = [file.read_bytes() for file in sorted((GOLDEN / record_type.__name__).glob("*.avro"))]
        schema = schema_text(record_type).encode()
        yield from (schema + SEPARATOR + data if door == "load" else bytes([place]) + data for data in records)
    if door == "load":
        schemas = (json.dumps(Chance(seed).schema()[0]).encode() for seed in range(CHANCES))
        yield from (schema + SEPARATOR + bytes(seed) for seed, schema in enumerate(schemas))


def _add(door: str, found: list[bytes]) -> None:
    known = [(name, data) for name, data in learned() if name != door]
    _write([*known, *((door, one) for one in found[:MOST_LEARNED])])


def _write(inputs: list[tuple[str, bytes]]) -> None:
    FILE.write_text("".join(f"{line}\n" for line in lines(inputs)), "ascii")


def _run(door: str, folders: list[str], words: list[str]) -> int:
    command = ["cargo", "+nightly", "fuzz", "run", "--fuzz-dir", str(CRATE), door, *folders, "--", *words]
    return min(1, abs(subprocess.run(command, cwd=CRATE.parent, env=environment(), check=False).returncode))  # noqa: S603


def environment() -> dict[str, str]:
    """A Python inside another program finds this environment's packages, and its library."""
    told = {
        "PYO3_PYTHON": sys.executable,
        "PYTHONHOME": sys.base_prefix,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]),
        "PYTHONMALLOC": "malloc",
        "LD_LIBRARY_PATH": sysconfig.get_config_var("LIBDIR"),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # Python itself keeps much until it ends
        "TOCSIN_CODEC": "compiled",
    }
    return os.environ | told


if __name__ == "__main__":
    main()
