"""Regenerate jars.lock: resolve what the stack runs, and write down each file's digest (`make lock-jars`).

`python -m tocsin.stack.lock_jars FILE COORDINATE ...` writes another lock: those programs and what they need.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from jgo.maven import Artifact, MavenContext

from tocsin.stack.jars import LOCK, Jar, artifact_of, cache_folder, locked, maven, sha256_of

BROKER: Final = ("org.apache.kafka:kafka_2.13:4.3.1", "org.slf4j:slf4j-simple:1.7.36")
"""The broker and its log; raise a version here, regenerate, and read the difference before it is committed."""
REGISTRY: Final = Jar(
    group="io.apicurio",
    artifact="apicurio-registry-app",
    version="3.3.3",
    classifier="all",
    packaging="tar.gz",
    sha256="",
)
POSTGRESQL: Final = tuple(
    Jar(group="io.zonky.test.postgres", artifact=f"embedded-postgres-binaries-{system}", version="18.1.0", sha256="")
    for system in ("linux-amd64", "linux-arm64v8")
)
OTHER_HEADING: Final = "# coordinate sha256; what was asked for comes first, then what it needs"
_HEADING: Final = (
    "# coordinate sha256; the first line is the broker, the last are PostgreSQL for each processor and the registry; "
    "everything between is what the broker needs"
)


def resolved(context: MavenContext, coordinates: Sequence[str], others: Sequence[Jar] = ()) -> tuple[Jar, ...]:
    """These programs, what they need, and other files, in the order of the class path; downloads what is not cached."""
    roots = [context.create_dependency(coordinate) for coordinate in coordinates]
    inputs, transitive = context.resolver.resolve(roots)
    artifacts = [dependency.artifact for dependency in (*inputs, *transitive)]
    return tuple(_jar(artifact) for artifact in (*artifacts, *(artifact_of(context, jar) for jar in others)))


def text_of(jars: Iterable[Jar], heading: str = _HEADING) -> str:
    """The lock as it is committed: no host, no path."""
    return "\n".join((heading, *(f"{jar.coordinate} {jar.sha256}" for jar in jars), ""))


def changes(before: Iterable[Jar], after: Iterable[Jar]) -> tuple[str, ...]:
    """What a reviewer reads: every line that goes or comes; a digest that changes under its version is both."""
    old, new = ({f"{jar.coordinate} {jar.sha256}" for jar in jars} for jars in (before, after))
    return (*(f"- {line}" for line in sorted(old - new)), *(f"+ {line}" for line in sorted(new - old)))


def regenerate(cache: Path) -> tuple[str, ...]:
    """Write the lock of the stack, and say what changed in it."""
    before = locked()
    after = resolved(maven(cache), BROKER, (*POSTGRESQL, REGISTRY))
    LOCK.write_text(text_of(after))
    return changes(before, after)


def regenerate_other(lock: Path, coordinates: Sequence[str], cache: Path) -> tuple[str, ...]:
    """Write another lock, and say what changed in it."""
    before = locked(lock) if lock.exists() else ()
    after = resolved(maven(cache), coordinates)
    lock.write_text(text_of(after, OTHER_HEADING))
    return changes(before, after)


def _jar(artifact: Artifact) -> Jar:
    return Jar(
        group=artifact.groupId,
        artifact=artifact.artifactId,
        version=artifact.version,
        classifier=artifact.classifier,
        packaging=artifact.packaging,
        sha256=sha256_of(Path(artifact.resolve())),
    )


def main(words: Sequence[str]) -> None:
    """Which lock is written, the words of the command line say."""
    found = regenerate_other(Path(words[0]), words[1:], cache_folder()) if words else regenerate(cache_folder())
    print("\n".join(found) or "The lock is as the resolver says.")  # noqa: T201 -- a tool


if __name__ == "__main__":
    main(sys.argv[1:])
