"""`python -m tests.engines.installed`: each Python on the PATH installs the wheel of dist/, reads and writes with it.

In an empty environment and by the extra that operators name: the main package from here, the codec from its wheel.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

ROOT: Final = Path(__file__).parents[2]
PYTHONS: Final = ("3.11", "3.12", "3.13")
_BOTH_WAYS: Final = """
import sys
from pathlib import Path
from schemas.codec import ENGINE, decode, encode
from schemas.definitions import record_type_named
files = sorted(Path(sys.argv[1]).glob("*/*.avro"))
for file in files:
    data = file.read_bytes()
    assert encode(decode(record_type_named(file.parent.name), data)) == data, file
print(len(files), "records read and written with the engine", ENGINE)
"""


def main() -> None:
    """A line for each Python; the first that fails ends it."""
    for version in PYTHONS:
        python = shutil.which(f"python{version}")
        click.echo(f"Python {version}: {_both_ways(python) if python else 'not here'}")


def _both_ways(python: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        _uv("venv", "--quiet", "--python", python, folder)
        _uv("pip", "install", "--quiet", "--find-links", "dist", "--python", folder, f"{ROOT}[fast]")
        words = [f"{folder}/bin/python", "-c", _BOTH_WAYS, str(ROOT / "tests" / "golden" / "v1")]
        done = subprocess.run(  # noqa: S603  # our own words
            words,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=os.environ | {"TOCSIN_CODEC": "compiled"},
        )
    return done.stdout.strip()


def _uv(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *words], check=True, cwd=ROOT)  # noqa: S603  # as above


if __name__ == "__main__":
    main()
