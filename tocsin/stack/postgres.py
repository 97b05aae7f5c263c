"""PostgreSQL of the local stack: locked binaries, driven directly; TLS and scram on loopback, a role per process."""

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from schemas.catalogue import message
from schemas.failures import Broken
from tocsin.stack.certificates import Authority
from tocsin.stack.daemons import Daemon, works_in
from tocsin.stack.ports import require_free
from tocsin.stack.progress import Progress
from tocsin.stack.secrets import password

SUPERUSER: Final = "postgres"
DATABASE: Final = "tocsin"
REGISTRY: Final = "registry"
ROLES: Final = ("ops", "triage", "returns", REGISTRY)
_ACCESS: Final = """# Written at each start: nobody is let in who does not speak TLS (ADR 50).
hostssl all all 127.0.0.1/32 scram-sha-256
"""
_PLAIN: Final = "server does not support SSL"
"""What libpq says of a server without TLS: of ours only the former build, which an older release started."""
_START_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05


class Postgres:
    """One server with one database for the exchange and one for the registry; `ops` owns the first."""

    name = "postgresql"

    def __init__(self, home: Path, port: int, authority: Authority) -> None:
        self._data = home / "postgresql"
        self._home = home
        self._authority = authority
        self.port = port
        self.daemon = Daemon(self.name, home)

    def require_ports(self) -> None:
        """Raise Broken where it does not run and another program has its port."""
        if not self.daemon.running():
            require_free(self.name, self.port)

    def start(self, programs: Path, progress: Progress) -> None:
        """Create on first use, start, and make roles and databases as they must be."""
        if not self.daemon.running():
            if not (self._data / "PG_VERSION").exists():
                progress(self.name, "creating")
                self._create(programs)
            progress(self.name, "starting")
            self._await_survivors()
            # The old lock file names a pid that somebody else may have by now, and nobody of ours works there.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            (self._data / "pg_hba.conf").write_text(_ACCESS)
            self.daemon.start(self._command(programs, "postgres", *self._options()), os.environ)
        self._await()
        self._provision()
        progress(self.name, "ready")

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed is kept."""
        self.daemon.stop(signal.SIGINT)

    def url(self, role: str, database: str = DATABASE) -> str:
        """SQLAlchemy URL without password."""
        return f"postgresql+psycopg://{role}@127.0.0.1:{self.port}/{database}"

    def password_file(self, role: str) -> Path:
        """The 0600 file with the role's password; made on first use."""
        return password(self._home, role)

    def connect(self, role: str = SUPERUSER, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """A connection in autocommit; raises psycopg.OperationalError where the server is away."""
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user=role,
            password=self.password_file(role).read_text(),
            dbname=database,
            autocommit=True,
            connect_timeout=5,
            sslmode="verify-full",
            sslrootcert=str(self._authority.certificate),
        )

    def _create(self, programs: Path) -> None:
        """Beside its place, and moved there when it is whole: a killed `initdb` leaves a folder that looks like one."""
        for left in (self._data, *self._home.glob(f"{self._data.name}.*")):
            shutil.rmtree(left, ignore_errors=True)
        draft = self._data.with_name(f"{self._data.name}.{secrets.token_hex(4)}")
        command = self._command(
            programs,
            "initdb",
            "--pgdata", str(draft),
            "--username", SUPERUSER,
            "--pwfile", str(self.password_file(SUPERUSER)),
            "--auth", "scram-sha-256",
            "--encoding", "UTF8",
            "--locale", "C",
            "--no-instructions",
        )  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- words of ours
        if done.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise Broken(f"Creating the PostgreSQL data folder failed: {done.stderr.strip()}", code="stack.initdb")
        draft.rename(self._data)

    def _options(self) -> tuple[str, ...]:
        pair = self._authority.pair(self.name)
        settings = {
            "ssl": "on",
            "ssl_cert_file": str(pair.certificate),
            "ssl_key_file": str(pair.key),
            "ssl_min_protocol_version": "TLSv1.2",
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "64MB",
            # A file of the log of writes that is used again keeps what stood in it (ADR 0036).
            "wal_recycle": "off",
        }
        return ("-D", str(self._data), *(word for key, value in settings.items() for word in ("-c", f"{key}={value}")))

    def _command(self, programs: Path, program: str, *arguments: str) -> list[str]:
        prefix = disguise(_owner(self._data)) if os.geteuid() == ROOT else ()
        return [*prefix, str(programs / "bin" / program), *arguments]

    def _await(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError as error:
                self.daemon.require_running()
                if _PLAIN in str(error):
                    raise Broken(message("stack.plain_postgres"), code="stack.plain_postgres") from error
                if time.monotonic() > deadline:
                    raise Broken(
                        f"PostgreSQL did not answer within {_START_SECONDS:.0f} s. Its log: {self.daemon.log}",
                        code="stack.postgres_start",
                    ) from error
                time.sleep(_POLL_SECONDS)
            else:
                return

    def _await_survivors(self) -> None:
        """After SIGKILL of the server its workers end a moment later; two servers on one folder would destroy it."""
        deadline = time.monotonic() + _START_SECONDS
        while works_in(self._data):
            if time.monotonic() > deadline:
                raise Broken(
                    f"Processes of an earlier PostgreSQL still work in {self._data}. End them, then: tocsin up",
                    code="stack.postgres_survivors",
                )
            time.sleep(_POLL_SECONDS)

    def _provision(self) -> None:
        with self.connect() as connection:
            for role in ROLES:
                _ensure_role(connection, role, self.password_file(role).read_text())
            for database in ("postgres", "template1"):
                connection.execute(
                    sql.SQL("revoke connect on database {} from public").format(sql.Identifier(database))
                )
            for database, owner in ((DATABASE, "ops"), (REGISTRY, REGISTRY)):
                _ensure_database(connection, database, owner)
            connection.execute("grant pg_checkpoint to ops")
        with self.connect(database=DATABASE) as connection:
            connection.execute("grant execute on function pg_switch_wal() to ops")


ROOT: Final = 0
NOBODY: Final = 65534
_NAMESPACE: Final = ("unshare", "--user")
"""In a user namespace of its own it sees nobody, and the files stay root's."""
_CAPABILITY: Final = (
    "setpriv",
    f"--reuid={NOBODY}",
    f"--regid={NOBODY}",
    "--clear-groups",
    "--inh-caps=-all,+dac_override",
    "--ambient-caps=-all,+dac_override",
    "--securebits=+no_setuid_fixup",
)
"""Where namespaces are forbidden, as in most containers: another user, who may pass through root's folders (ADR 20).

Without the last, access(2) forgets the capability, and PostgreSQL does not find its own programs in a folder of root's.
"""


def disguise(owner: int | None, works: Callable[[Sequence[str]], bool] | None = None) -> tuple[str, ...]:
    """How root runs PostgreSQL, which refuses root; whoever owns the data folder already stays its owner."""
    works = works or _works
    for prefix, wanted in ((_NAMESPACE, ROOT), (_CAPABILITY, NOBODY)):
        if owner in (None, wanted) and works(prefix):
            return prefix
    raise Broken(
        "PostgreSQL refuses to run as root, and this machine lets root neither make user namespaces (unshare --user) "
        "nor become nobody (setpriv). Run the command as another user.",
        code="stack.root",
    )


def _works(prefix: Sequence[str]) -> bool:
    try:
        return subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0  # noqa: S603 -- words of ours
    except FileNotFoundError:
        return False


def _owner(folder: Path) -> int | None:
    return folder.stat().st_uid if folder.exists() else None


def _ensure_role(connection: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    known = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
    verb = sql.SQL("alter") if known else sql.SQL("create")
    connection.execute(
        sql.SQL("{} role {} login password {}").format(verb, sql.Identifier(role), sql.Literal(password))
    )


def _ensure_database(connection: psycopg.Connection[tuple[object, ...]], database: str, owner: str) -> None:
    if connection.execute("select 1 from pg_database where datname = %s", (database,)).fetchone():
        return
    connection.execute(sql.SQL("create database {} owner {}").format(sql.Identifier(database), sql.Identifier(owner)))
    connection.execute(sql.SQL("revoke connect on database {} from public").format(sql.Identifier(database)))
    members = ("ops", "triage", "returns") if database == DATABASE else (REGISTRY,)
    for role in members:
        connection.execute(
            sql.SQL("grant connect on database {} to {}").format(sql.Identifier(database), sql.Identifier(role))
        )
