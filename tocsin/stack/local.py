"""The local stack as a whole: one home, three services, up and down."""

import fcntl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from schemas.topics import OPS, PROCESSES, WATCHERS, MemberTopics
from tocsin.stack.certificates import Authority
from tocsin.stack.daemons import Daemon
from tocsin.stack.jars import Jars, broker_jars, cache_folder, locked, postgresql_archive, registry_archive
from tocsin.stack.kafka import Cluster, Kafka
from tocsin.stack.keys import LocalKeys
from tocsin.stack.ports import known_ports, ports_of
from tocsin.stack.postgres import Postgres
from tocsin.stack.progress import Progress, silent
from tocsin.stack.provision import Provisioner, register_schemas
from tocsin.stack.registry import Registry
from tocsin.stack.requests import packet_folder
from tocsin.stack.settings_files import require_own, write_settings

_MARK: Final = "setup.lock"
"""The first file that a home has."""
_PORTS: Final = ("kafka", "kafka-controller", "postgresql", "registry", "registry-management")


class Charter(Struct, frozen=True, kw_only=True):
    """What a stack is told of the exchange that will run on it."""

    members: tuple[MemberTopics, ...]
    policy: Path
    trust: Path | None = None
    """Whom the policy store is believed by; none for a plain bundle."""
    subjects: Mapping[str, str] = {}
    """Registry subject to schema text."""
    migrate: Callable[[Path], None] | None = None
    """Brings the database up to date, given the settings file of `ops`."""
    barred: Callable[[Path], Collection[MemberId]] | None = None
    """Who may touch nothing at the moment, given the same file."""


class LocalStack:
    """PostgreSQL, Kafka and the registry of one home; every verb may be repeated."""

    def __init__(
        self, home: Path, *, brief: bool = False, brokers: int = 1, broker_settings: Mapping[str, str] | None = None
    ) -> None:
        """A `brief` stack lives for minutes, as a demo's or a test's: it saves processor time, not network time.

        A home that was made with three brokers keeps them; settings of brokers beside ours last as long as this object.
        """
        require_home(home)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.chmod(0o700)
        self.home = home.resolve()
        with (self.home / _MARK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # briefly: two commands on a new home choose ports and an authority once
            known = brokers_of(self.home)
            ports = ports_of(self.home, (*_PORTS, *_more_ports(max(brokers, known))))
            self.authority = Authority(self.home / "certificates")
            self.keys = LocalKeys(self.home / "keys")
        named = ("kafka", *(f"kafka-{number}" for number in range(2, max(brokers, known) + 1)))
        cluster = Cluster(tuple((ports[name], ports[f"{name}-controller"]) for name in named), broker_settings or {})
        self.brokers = tuple(
            Kafka(self.home, cluster, self.authority, number=number, brief=brief)
            for number in range(1, cluster.size + 1)
        )
        self.kafka = self.brokers[0]
        self.postgres = Postgres(self.home, ports["postgresql"], self.authority)
        self.registry = Registry(
            self.home, (ports["registry"], ports["registry-management"]), self.postgres, self.authority
        )

    @property
    def daemons(self) -> tuple[Daemon, ...]:
        """Every process, in the order in which they are stopped."""
        return (self.registry.daemon, *(broker.daemon for broker in self.brokers), self.postgres.daemon)

    def up(self, charter: Charter, progress: Progress = silent) -> None:
        """Start what does not run, then make topics, access rules, schemas, tables and settings as they must be."""
        with self._locked(), self._undone_by_interrupt():
            self._start(progress)
            self._provision(charter, progress)

    def revive(self, progress: Progress = silent) -> None:
        """Start what does not run and change nothing else: what a machine does after a crash of one service."""
        with self._locked():
            self._start(progress)

    def down(self, progress: Progress = silent) -> None:
        """Stop them all; data stays in the home."""

        def stop(service: Registry | Kafka | Postgres) -> None:
            progress(service.name, "stopping")
            service.stop()
            progress(service.name, "stopped")

        with self._locked():
            with ThreadPoolExecutor(1 + len(self.brokers)) as pool:
                list(pool.map(stop, (self.registry, *self.brokers)))
            stop(self.postgres)

    def config(self, principal: str) -> Path:
        """The settings file of a principal."""
        return self.home / "config" / f"{principal}.toml"

    def is_elsewhere(self, member: MemberId) -> bool:
        """Whether the member keeps its own key: this home then has its certificate alone."""
        return packet_folder(self.home, member).exists()

    def client(self, principal: str) -> dict[str, Any]:
        """confluent-kafka properties of a principal."""
        return self.kafka.client(principal)

    def _start(self, progress: Progress) -> None:
        for broker in self.brokers:
            broker.require_ports()
        for service in (self.postgres, self.registry):
            service.require_ports()
        jars = locked()
        fetcher = Jars(cache_folder())
        paths = fetcher.fetch((*broker_jars(jars), postgresql_archive(jars), registry_archive(jars)), progress)
        with ThreadPoolExecutor(1 + len(self.brokers)) as pool, self._undone_by_interrupt():
            starting = [pool.submit(broker.start, paths[:-2], progress) for broker in self.brokers]
            database = pool.submit(self._start_database_and_registry, fetcher, progress)
            database.result()
            for started in starting:
                started.result()

    @contextmanager
    def _undone_by_interrupt(self) -> Iterator[None]:
        """Ctrl-C ends what the block started, and nothing that ran before."""
        services: tuple[Registry | Kafka | Postgres, ...] = (self.registry, *self.brokers, self.postgres)
        ours = [service for service in services if not service.daemon.running()]
        try:
            yield
        except KeyboardInterrupt:
            for service in ours:
                service.daemon.forbid()
            for service in ours:
                service.stop()
            raise

    def _start_database_and_registry(self, fetcher: Jars, progress: Progress) -> None:
        jars = locked()
        database, program = (
            fetcher.unpacked(jar, progress) for jar in (postgresql_archive(jars), registry_archive(jars))
        )
        self.postgres.start(database, progress)
        self.registry.start(program, progress)

    def _provision(self, charter: Charter, progress: Progress) -> None:
        register_schemas(self.registry.url, self.registry.writer, charter.subjects, self.registry.tls)
        progress("schemas", "ready")
        for process in (*PROCESSES, *WATCHERS):
            write_settings(self, process, charter.policy, charter.trust)
        if charter.migrate:
            charter.migrate(self.config(OPS))
        progress("database", "ready")
        barred = charter.barred(self.config(OPS)) if charter.barred else ()
        members = [member.member_id for member in charter.members if member.member_id not in barred]
        here = [member for member in members if not self.is_elsewhere(member)]
        self.keys.provide((*PROCESSES, *here), int(time.time() * 1000))
        for member in here:
            write_settings(self, member, charter.policy, charter.trust)
        progress("topics", "applying")
        provisioner = Provisioner(self.client(OPS))
        provisioner.apply(provisioner.plan(charter.members, barred))
        progress("topics", "ready")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.home / "lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Broken(
                    f"Another command is starting or stopping the stack in {self.home.name}. Wait for it.",
                    code="stack.locked",
                ) from error
            yield


def brokers_of(home: Path) -> int:
    """How many a home was made with; one where it is new."""
    return max(1, sum(1 for name in known_ports(home) if name.startswith("kafka") and name.endswith("-controller")))


def _more_ports(brokers: int) -> tuple[str, ...]:
    return tuple(f"kafka-{number}{end}" for number in range(2, brokers + 1) for end in ("", "-controller"))


def require_home(folder: Path) -> None:
    """Raise Broken for a folder of something else: a home is made private, and nobody's folder shall be by mistake."""
    require_own(folder / "config")
    if "," in str(folder.resolve()):
        raise Broken(
            f"A home has no comma in its path, because Kafka would take it for two folders, found {folder.resolve()}. "
            "Name another: --home FOLDER",
            code="stack.home_with_comma",
        )
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).exists():
        raise Broken(
            f"{folder} is a folder with other contents, and no home of a stack. Name another: --home FOLDER",
            code="stack.not_a_home",
        )
