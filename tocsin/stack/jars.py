"""The Java programs of the local stack: fetched by coordinate, checked against the lock, kept in one shared cache."""

import hashlib
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from jgo.maven import Artifact, MavenContext, PythonResolver
from msgspec import Struct

from schemas.failures import Broken
from tocsin.stack.progress import Progress

LOCK: Final = Path(__file__).with_name("jars.lock")
_PARALLEL: Final = 4
_TIMEOUT_SECONDS: Final = 60
_TRIES: Final = 2


class Jar(Struct, frozen=True, kw_only=True):
    """One line of the lock: `group:artifact:version[:classifier:packaging] sha256`."""

    group: str
    artifact: str
    version: str
    classifier: str = ""
    packaging: str = "jar"
    sha256: str

    @property
    def coordinate(self) -> str:
        """As the lock writes it."""
        tail = f":{self.classifier}:{self.packaging}" if self.packaging != "jar" else ""
        return f"{self.group}:{self.artifact}:{self.version}{tail}"


def locked(lock: Path = LOCK) -> tuple[Jar, ...]:
    """Every line of the lock, in its order."""
    return tuple(_parse(line) for line in lock.read_text().splitlines() if line and not line.startswith("#"))


def cache_folder() -> Path:
    """Where downloads are kept for every home on this machine."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tocsin"


class Jars:
    """Fetches what the lock names; a file whose digest differs is thrown away and fetched once more, then refused."""

    def __init__(self, cache: Path, context: MavenContext | None = None) -> None:
        self._cache = cache
        self._context = context or maven(cache)

    def fetch(self, jars: tuple[Jar, ...], progress: Progress) -> tuple[Path, ...]:
        """The files, in order; says how many of them are there."""
        done = 0

        def one(jar: Jar) -> Path:
            nonlocal done
            path = self._fetch_one(jar)
            done += 1
            progress("downloads", f"{done} of {len(jars)}")
            return path

        with ThreadPoolExecutor(_PARALLEL) as pool:
            return tuple(pool.map(one, jars))

    def unpacked(self, jar: Jar, progress: Progress) -> Path:
        """The folder of an archive's contents; unpacked once, whole or not at all."""
        folder = self._cache / f"{jar.artifact}-{jar.version}"
        if folder.exists():
            return folder
        archive = self._fetch_one(jar)
        progress("downloads", f"unpacking {jar.artifact}")
        draft = folder.with_name(f"{folder.name}.{os.getpid()}")
        with tarfile.open(archive) as tar:
            tar.extractall(draft, filter="data")
        try:
            draft.rename(folder)
        except OSError:  # another home unpacked it meanwhile: same lock, same contents
            if not folder.exists():
                raise
        return folder

    def _fetch_one(self, jar: Jar) -> Path:
        artifact = artifact_of(self._context, jar)
        for _ in range(_TRIES):
            path = _resolved(artifact, jar)
            if sha256_of(path) == jar.sha256:
                return path
            path.unlink(missing_ok=True)
        raise Broken(
            f"{jar.coordinate} does not have the digest that jars.lock names, twice in a row. "
            "Somebody changed it or the connection alters files: do not go on, ask the maintainers.",
            code="download.digest",
        )


def maven(cache: Path) -> MavenContext:
    """A resolver that keeps what it downloads in this cache and looks into nobody else's."""
    return MavenContext(resolver=PythonResolver(), repo_cache=cache / "maven", local_repos=[], timeout=_TIMEOUT_SECONDS)


def _resolved(artifact: Artifact, jar: Jar) -> Path:
    try:
        return Path(artifact.resolve())
    except (OSError, RuntimeError, ValueError, AssertionError) as error:  # what jgo and requests raise
        raise Broken(
            f"Downloading {jar.coordinate} failed ({type(error).__name__}). "
            "Check that Maven Central can be reached from here, and run the command again: what is there is kept.",
            code="download.failed",
        ) from error


def artifact_of(context: MavenContext, jar: Jar) -> Artifact:
    """What the resolver fetches for a line of the lock."""
    component = context.project(jar.group, jar.artifact).at_version(jar.version)
    return component.artifact(classifier=jar.classifier, packaging=jar.packaging)


def sha256_of(path: Path) -> str:
    """The digest of a file, as the lock writes it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _parse(line: str) -> Jar:
    coordinate, sha256 = line.split()
    group, artifact, version, *tail = coordinate.split(":")
    classifier, packaging = tail or ("", "jar")
    return Jar(
        group=group, artifact=artifact, version=version, classifier=classifier, packaging=packaging, sha256=sha256
    )
