"""Where each peer lives: a virtual environment of its own, made from its own locked requirements."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_LOCKS: Final = Path(__file__).parent / "requirements"
LOCKS: Final[Mapping[str, Path]] = {
    "tocsin": ROOT / "requirements" / "triage.txt",
    "plain": _LOCKS / "plain.txt",
    "transactions": _LOCKS / "plain.txt",
    "quix": _LOCKS / "quix.txt",
    "stock": _LOCKS / "stock.txt",
}
"""By peer, the quickest first."""
CODECS: Final[Mapping[str, Path]] = {"cavro": _LOCKS / "cavro.txt"}
"""Codecs that the codec alone is measured beside."""


def command(peer: str, home: Path, group: str) -> list[str]:
    """What starts this peer on the stack at `home`; run it in the repository's folder."""
    return [str(python_of(peer)), "-m", "benchmarks.peers.process", peer, str(home), group]


def python_of(peer: str, locks: Mapping[str, Path] = LOCKS) -> Path:
    """The interpreter of a peer's environment, which is made where it is not there or the lock is another one."""
    lock, folder = locks[peer], ROOT / ".venv-peers" / peer
    mark, digest = folder / ".locked", hashlib.sha256(lock.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not mark.exists() or mark.read_text() != digest:
        _uv("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        _uv("pip", "install", "--quiet", "--require-hashes", "--python", str(python), "--requirement", str(lock))
        mark.write_text(digest)
    _share_codec(folder)
    return python


def engine_of(peer: str) -> str:
    """What the peer's environment reads and writes records with: compiled or fastavro."""
    words = [str(python_of(peer)), "-c", "from schemas.codec import ENGINE; print(ENGINE)"]
    return subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()  # noqa: S603 -- ours


def _share_codec(folder: Path) -> None:
    """The compiled codec where it is installed here, so that every peer reads with what Tocsin reads with."""
    found = find_spec("_tocsin_codec")
    if found is None or found.origin is None:
        return
    here = Path(found.origin).parent
    (packages,) = folder.glob("lib/python*/site-packages")
    copytree(here, packages / here.name, dirs_exist_ok=True)


def _uv(*words: str) -> None:
    try:
        subprocess.run([sys.executable, "-m", "uv", *words], check=True)  # noqa: S603  # our own words
    except subprocess.CalledProcessError as error:
        raise SystemExit("A peer's packages could not be installed. Check that uv can reach its index.") from error
