"""uPlot, which draws the charts of the ops page where scripts run: out of an archive whose digest is locked (ADR 46).

`python -m tocsin.stack.watching.uplot FILE` fetches the archive into a file: for images, and to carry it into a
network that reaches no repository.
"""

import hashlib
import io
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from schemas.failures import Broken
from tocsin.stack.jars import Jar, Jars, cache_folder, locked
from tocsin.stack.progress import Progress, silent

LOCK: Final = Path(__file__).with_name("uplot.lock")
SCRIPT: Final = "uPlot.iife.min.js"
STYLE: Final = "uPlot.min.css"
LICENCE: Final = "LICENSE"
_TYPES: Final[Mapping[str, str]] = {SCRIPT: "text/javascript", STYLE: "text/css", LICENCE: "text/plain"}


class Served(Struct, frozen=True, kw_only=True):
    """One file of the library, and as what it is served."""

    content: bytes
    media_type: str


class Library(Struct, frozen=True, kw_only=True):
    """Its files by their names, and the path below which they are served: another archive has another path."""

    path: str
    files: Mapping[str, Served]


def the_archive() -> Jar:
    """The one line of the lock."""
    (jar,) = locked(LOCK)
    return jar


def library_in(archive: bytes) -> Library:
    """What is served of it; raises Broken where the digest is not that of the lock."""
    jar = the_archive()
    if hashlib.sha256(archive).hexdigest() != jar.sha256:
        raise Broken(
            f"This is not {jar.coordinate} with the digest that uplot.lock names: nothing of it is served. "
            "Fetch it again: python -m tocsin.stack.watching.uplot FILE.",
            code="download.digest",
        )
    inside = f"META-INF/resources/webjars/{jar.artifact}/{jar.version}"
    places = {SCRIPT: f"{inside}/dist/{SCRIPT}", STYLE: f"{inside}/dist/{STYLE}", LICENCE: f"{inside}/{LICENCE}"}
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        files = {name: Served(content=opened.read(place), media_type=_TYPES[name]) for name, place in places.items()}
    return Library(path=f"uplot/{jar.sha256[:16]}/", files=files)


def fetched(progress: Progress) -> bytes:
    """The archive, from the cache or from where Maven finds it; raises Broken where it is not to be had."""
    progress("uPlot", "looking for the archive that draws the charts")
    (file,) = Jars(cache_folder()).fetch((the_archive(),), progress)
    progress("uPlot", "ready")
    return file.read_bytes()


def main(words: Sequence[str]) -> None:
    """Fetch it, look into it, and leave it in the file that is named."""
    target = Path(words[0])
    archive = fetched(silent)
    library_in(archive)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive)
    print(f"{target}: {the_archive().coordinate}, for tocsin ops --uplot")  # noqa: T201 -- a tool


if __name__ == "__main__":
    main(sys.argv[1:])
