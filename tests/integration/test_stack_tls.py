"""What the stack's ports speak: TLS of 1.2 and above to who verifies it, and nothing to anybody else."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from msgspec.structs import replace

from schemas.failures import Temporary
from schemas.records.report import ReportSubmitted
from tocsin.runtime import settings
from tocsin.runtime.database import Database
from tocsin.runtime.registry import SchemaDirectory
from tocsin.runtime.settings import RegistrySettings
from tocsin.stack.certificates import Authority

pytestmark = pytest.mark.stack

PORTS: Final = {"kafka": 2, "registry": 2, "postgresql": 1}
WITHOUT_TLS: Final = {"postgresql"}
"""The only one: its build for Python knows no TLS (ADR 0027). It listens on loopback and asks for a password."""
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
    """Every port that must speak TLS."""
    return iter([port for name, ports in listeners.items() if name not in WITHOUT_TLS for port in ports])


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


def test_a_client_that_verifies_its_database_never_falls_back_to_plain(stack: Any) -> None:
    known = settings.load(stack.config("ops")).database
    assert known is not None
    wanted = replace(known, url=f"{known.url}?sslmode=disable", ca=stack.authority.certificate)
    with pytest.raises(Temporary) as caught, Database(wanted).transaction():
        pass
    assert "does not support SSL" in str(caught.value.__cause__)


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
