"""What the stack's ports speak: TLS of 1.2 and above to who verifies it, and nothing to anybody else."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import psycopg
import pytest
from msgspec.structs import replace
from sqlalchemy import text

from schemas.failures import Temporary
from schemas.records.report import ReportSubmitted
from tocsin.runtime import settings
from tocsin.runtime.database import Database
from tocsin.runtime.registry import SchemaDirectory
from tocsin.runtime.settings import RegistrySettings
from tocsin.stack.certificates import Authority

pytestmark = pytest.mark.stack

PORTS: Final = {"kafka": 2, "registry": 2, "postgresql": 1}
IN_ITS_OWN_WORDS: Final = {"postgresql"}
"""It is asked for TLS in PostgreSQL's protocol first, and has tests of its own."""
ALERT: Final = 0x15


def of_group(pid: int) -> list[Path]:
    """A process and its children, as folders of the kernel's."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            found += [process] if os.getpgid(int(process.name)) == os.getpgid(pid) else []
    return found


def ports_of(pid: int) -> set[int]:
    """Where this process and its children listen."""
    inodes = set()
    for process in of_group(pid):
        with suppress(OSError):
            inodes |= {str(link.readlink()) for link in (process / "fd").iterdir()}
    rows = [row.split() for table in ("tcp", "tcp6") for row in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes}


@pytest.fixture(scope="module")
def listeners(stack: Any) -> dict[str, set[int]]:
    """As the kernel says, so that no port of ours is forgotten."""
    return {daemon.name: ports_of(daemon.pid()) for daemon in stack.daemons}


@pytest.fixture
def encrypted(listeners: dict[str, set[int]]) -> Iterator[int]:
    """Every port that speaks TLS from the first byte."""
    return iter([port for name, ports in listeners.items() if name not in IN_ITS_OWN_WORDS for port in ports])


def handshake(stack: Any, port: int, version: ssl.TLSVersion | None = None) -> str | None:
    """Which version they agree on, as `ops`; raises ssl.SSLError with the server's reason."""
    context = ssl.create_default_context(cafile=stack.authority.certificate)
    pair = stack.authority.pair("ops")
    context.load_cert_chain(pair.certificate, pair.key)
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    plain = socket.create_connection(("127.0.0.1", port), 10)
    with plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
        return secure.version()


def test_there_are_no_other_ports(listeners: dict[str, set[int]]) -> None:
    assert {name: len(ports) for name, ports in listeners.items()} == PORTS


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_every_port_speaks_the_newest_tls_and_none_below_the_floor(stack: Any, encrypted: Iterator[int]) -> None:
    for port in encrypted:
        assert handshake(stack, port) == "TLSv1.3"
        assert handshake(stack, port, ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
        with pytest.raises(ssl.SSLError) as caught:
            handshake(stack, port, ssl.TLSVersion.TLSv1_1)
        assert caught.value.reason == "TLSV1_ALERT_PROTOCOL_VERSION", "the server said no, and not our own library"


def test_no_port_answers_in_plain(encrypted: Iterator[int]) -> None:
    for port in encrypted:
        with socket.create_connection(("127.0.0.1", port), 10) as plain:
            plain.sendall(b"GET /apis/ccompat/v7/subjects HTTP/1.0\r\n\r\n")
            try:
                answer = plain.recv(1024)
            except ConnectionResetError:
                answer = b""
        assert not answer or answer[0] == ALERT, port


def test_a_registry_of_another_authority_is_not_believed(stack: Any, tmp_path: Path) -> None:
    stranger = Authority(tmp_path / "elsewhere")
    asked = RegistrySettings(url=stack.registry.url, ca=stranger.certificate, cache=tmp_path / "cache")
    with pytest.raises(Temporary, match="SSLCertVerificationError"):
        SchemaDirectory(asked).id_of(ReportSubmitted)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{stack.registry.url}/subjects")


@pytest.mark.parametrize("process", ["ops", "triage", "returns"])
def test_every_process_speaks_the_newest_tls_to_its_database_whatever_its_url_says(stack: Any, process: str) -> None:
    known = settings.load(stack.config(process)).database
    assert known is not None
    assert known.ca == stack.authority.certificate
    database = Database(replace(known, url=f"{known.url}?sslmode=disable"))
    with database.transaction() as connection:
        spoken = connection.execute(text("select ssl, version from pg_stat_ssl where pid = pg_backend_pid()")).one()
    database.close()
    assert tuple(spoken) == (True, "TLSv1.3")


def test_nobody_speaks_to_the_database_in_plain_not_even_the_registry(stack: Any) -> None:
    with stack.postgres.connect() as connection:
        rows = connection.execute(
            "select usename, version from pg_stat_activity join pg_stat_ssl using (pid) "
            "where backend_type = 'client backend'"
        ).fetchall()
    assert {"registry", "postgres"} <= {name for name, _ in rows}
    assert {version for _, version in rows} <= {"TLSv1.3", "TLSv1.2"}


@pytest.mark.parametrize("role", ["postgres", "ops", "triage", "returns", "registry"])
def test_the_database_lets_nobody_in_who_speaks_plain(stack: Any, role: str) -> None:
    password = stack.postgres.password_file(role).read_text()
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        psycopg.connect(
            host="127.0.0.1", port=stack.postgres.port, user=role, password=password, dbname="tocsin", sslmode="disable"
        )


def test_the_database_takes_nothing_below_the_floor_and_is_believed_under_its_authority_alone(
    stack: Any, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"host": "127.0.0.1", "port": stack.postgres.port, "user": "ops", "dbname": "tocsin"}
    stranger = Authority(tmp_path / "elsewhere").certificate
    with pytest.raises(psycopg.OperationalError, match=r"provider signature failure|certificate verify failed"):
        psycopg.connect(**asked, sslmode="verify-full", sslrootcert=str(stranger))
    old: dict[str, Any] = {"ssl_min_protocol_version": "TLSv1.1", "ssl_max_protocol_version": "TLSv1.1"}
    with pytest.raises(psycopg.OperationalError, match=r"protocol version|no protocols available"):
        psycopg.connect(**asked, sslmode="require", **old)


def test_no_password_stands_in_a_command_line_or_an_environment(stack: Any) -> None:
    secrets = {file.read_bytes() for file in (stack.home / "secrets").glob("*.password")}
    assert len(secrets) >= 5
    for daemon in stack.daemons:
        for process in of_group(daemon.pid()):
            shown = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            assert not [secret for secret in secrets if secret in shown], daemon.name


def test_every_file_with_a_secret_is_for_its_owner_alone(stack: Any) -> None:
    files = [*(stack.home / "secrets").iterdir(), *(stack.home / "certificates").glob("*.key")]
    files += (stack.home / "certificates").glob("*.bundle.pem")
    assert {file.name for file in files if file.stat().st_mode & 0o077} == set()
