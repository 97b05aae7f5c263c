"""The Java programs of the local stack: fetched by coordinate, checked against the lock, kept in one shared cache."""

import errno
import fcntl
import hashlib
import os
import platform
import shutil
import tarfile
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
_MEGABYTE: Final = 1_000_000
_POSTGRESQL: Final = "io.zonky.test.postgres"
_REGISTRY: Final = "io.apicurio"
_PROCESSORS: Final = {"x86_64": "-linux-amd64", "aarch64": "-linux-arm64v8"}
"""What the machine says of itself, and how its build of PostgreSQL ends (ADR 50)."""


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


def broker_jars(jars: tuple[Jar, ...]) -> tuple[Jar, ...]:
    """The broker's class path, in its order."""
    return tuple(jar for jar in jars if jar.group not in {_POSTGRESQL, _REGISTRY})


def registry_archive(jars: tuple[Jar, ...]) -> Jar:
    """The registry's archive."""
    return next(jar for jar in jars if jar.group == _REGISTRY)


def postgresql_archive(jars: tuple[Jar, ...], machine: str = "") -> Jar:
    """PostgreSQL for this processor; raises Broken where nobody builds it."""
    machine = machine or platform.machine()
    ending = _PROCESSORS.get(machine)
    for jar in jars:
        if jar.group == _POSTGRESQL and ending and jar.artifact.endswith(ending):
            return jar
    raise Broken(
        f"The local stack has a PostgreSQL for {', '.join(_PROCESSORS)}, found {machine}. Run it on such a machine.",
        code="stack.processor",
    )


def cache_folder() -> Path:
    """Where downloads are kept for every home on this machine."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tocsin"


class Jars:
    """Fetches what the lock names; a file whose digest differs is thrown away and fetched once more, then refused."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._received = Received()
        self.context = maven(cache, self._received)

    def fetch(self, jars: tuple[Jar, ...], progress: Progress) -> tuple[Path, ...]:
        """The files, in order; says how many of them are there."""
        done = 0

        def one(jar: Jar) -> Path:
            nonlocal done
            path = self._fetch_one(jar)
            done += 1
            progress("downloads", f"{done} of {len(jars)}")
            return path

        self._received.tell = lambda megabytes: progress("downloads", f"{done} of {len(jars)}, {megabytes} MB received")
        with self._alone(progress), ThreadPoolExecutor(_PARALLEL) as pool:
            try:
                return tuple(pool.map(one, jars))
            except BaseException:
                self._received.given_up = True  # the other downloads end too, and nobody waits for them
                raise

    def unpacked(self, jar: Jar, progress: Progress) -> Path:
        """The folder of an archive's contents; unpacked once, whole or not at all."""
        folder = self._cache / f"{jar.artifact}-{jar.version}"
        if folder.exists():
            return folder
        with self._alone(progress):
            if not folder.exists():  # nobody else has done it meanwhile
                progress("downloads", f"unpacking {jar.artifact}")
                self._unpack(self._fetch_one(jar), folder)
        progress("downloads", "ready")
        return folder

    def _unpack(self, archive: Path, folder: Path) -> None:
        draft = folder.with_name(f"{folder.name}.draft")
        shutil.rmtree(draft, ignore_errors=True)  # what a killed command left
        with _tar(archive) as tar:
            tar.extractall(draft, filter="data")
        draft.rename(folder)

    @contextmanager
    def _alone(self, progress: Progress) -> Iterator[None]:
        """One command at a time fills the cache: a file that another one writes would have the wrong digest."""
        self._cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self._cache / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                progress("downloads", "waiting for another command that downloads")
                fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _fetch_one(self, jar: Jar) -> Path:
        artifact = artifact_of(self.context, jar)
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


@contextmanager
def _tar(archive: Path) -> Iterator[tarfile.TarFile]:
    """The archive itself, or the one that a jar holds."""
    if not zipfile.is_zipfile(archive):
        with tarfile.open(archive) as tar:
            yield tar
        return
    with zipfile.ZipFile(archive) as jar:
        (name,) = (name for name in jar.namelist() if name.endswith(".txz"))
        with jar.open(name) as packed, tarfile.open(fileobj=packed) as tar:
            yield tar


class Received:
    """Counts what comes in over all downloads, and ends them when they are given up."""

    def __init__(self) -> None:
        self.given_up = False
        self.tell: Callable[[int], None] = lambda megabytes: None
        self._count_bytes = 0
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, name: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
        """What the resolver calls around one download; the callable inside is told of each piece."""
        yield self._count

    def _count(self, piece_bytes: int) -> None:
        if self.given_up:
            raise OSError(errno.ECANCELED, "given up")
        with self._lock:
            before, self._count_bytes = self._count_bytes, self._count_bytes + piece_bytes
        if before // _MEGABYTE != self._count_bytes // _MEGABYTE:
            self.tell(self._count_bytes // _MEGABYTE)


def maven(cache: Path, received: Received | None = None) -> MavenContext:
    """A resolver that keeps what it downloads in this cache and looks into nobody else's."""
    resolver = PythonResolver(progress_callback=received)
    return MavenContext(resolver=resolver, repo_cache=cache / "maven", local_repos=[], timeout=_TIMEOUT_SECONDS)


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
