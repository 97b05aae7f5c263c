"""Where there is no Rust: one line says so, and everything goes on with fastavro."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NEEDED = ("make", "sh", "awk")
_BOTH_WAYS = """
import sys
from importlib.util import find_spec
from pathlib import Path
from schemas.codec import ENGINE, decode, encode
from schemas.definitions import record_type_named
assert find_spec("_tocsin_codec") is None
files = sorted(Path(sys.argv[1]).glob("*/*.avro"))
for file in files:
    data = file.read_bytes()
    assert encode(decode(record_type_named(file.parent.name), data)) == data, file
print(len(files), ENGINE)
"""


def test_make_says_in_one_line_that_there_is_no_rust_and_goes_on(tmp_path: Path) -> None:
    for program in NEEDED:
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    (tmp_path / ".ready").touch()  # as after `make setup`
    said = subprocess.run(  # noqa: S603  # our own words
        [str(tmp_path / "make"), "--no-print-directory", f"VENV={tmp_path}", "codec", "help"],
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = said.stdout.splitlines()
    assert said.returncode == 0, said.stderr
    assert lines[0] == "No Rust toolchain (cargo) here: Tocsin reads with fastavro, which is slower and says the same."
    assert lines[1].startswith("  make ")
    assert not (tmp_path / ".codec").exists()


def test_where_the_extension_is_not_installed_fastavro_is_chosen_and_reads_what_was_written(tmp_path: Path) -> None:
    """In a process whose import path lacks it, as an installation without `[fast]` does."""
    for entry in _packages():
        (tmp_path / entry.name).symlink_to(entry)
    golden = ROOT / "tests" / "golden" / "v1"
    said = subprocess.run(  # noqa: S603  # our own words
        [sys.executable, "-S", "-c", _BOTH_WAYS, str(golden)],
        env={name: value for name, value in os.environ.items() if name != "TOCSIN_CODEC"}
        | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    count, engine = said.stdout.split()
    assert (int(count), engine) == (len(list(golden.glob("*/*.avro"))), "fastavro")


def _packages() -> list[Path]:
    """All that is installed here, without the compiled codec."""
    folders = [Path(path) for path in sys.path if path.endswith("site-packages")]
    entries = [entry for folder in folders for entry in folder.iterdir()]
    return [entry for entry in entries if "tocsin_codec" not in entry.name and entry.suffix != ".pth"]
