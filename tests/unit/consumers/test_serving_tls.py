"""The ops page and the reference receiver over TLS: nothing in plain, nothing older than 1.2."""

import inspect
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from consumers.serving import over_tls, server_of
from schemas.failures import Failure
from tests.builders.waiting import until
from tocsin.cli import ops, receiver
from tocsin.cli.serving.listening import loopback
from tocsin.runtime.loopback import is_loopback
from tocsin.runtime.tls import answering
from tocsin.stack.certificates import Authority


def hello(_: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "certificates")


@pytest.fixture
def port(authority: Authority) -> Iterator[int]:
    pair = authority.pair("receiver")
    server = over_tls(server_of(Starlette(routes=[Route("/", hello)])), pair.certificate, pair.key)
    with loopback(0) as listening:
        serving = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        serving.start()
        until(lambda: server.started)
        yield listening.getsockname()[1]
        server.should_exit = True
        serving.join(20)


def asked(port: int, authority: Authority, newest: ssl.TLSVersion) -> str:
    context = ssl.create_default_context(cafile=authority.certificate)
    context.maximum_version = newest
    connection = HTTPSConnection("localhost", port, timeout=10, context=context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_whoever_verifies_is_answered_with_the_versions_that_are_in_order(port: int, authority: Authority) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert asked(port, authority, version) == "hello"


def test_nothing_older_than_tls_1_2_is_spoken(authority: Authority) -> None:
    pair = authority.pair("receiver")
    assert answering(pair.certificate, pair.key).minimum_version is ssl.TLSVersion.TLSv1_2


def test_nothing_is_answered_in_plain(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in answered(plain)


def answered(plain: socket.socket) -> bytes:
    try:
        return plain.recv(1_000)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize("command", [ops, receiver])
def test_a_command_serves_what_listens_on_loopback_and_no_other_address(command: ModuleType) -> None:
    with loopback(0) as listening:
        assert is_loopback(listening.getsockname()[0])
    source = inspect.getsource(command)
    assert "with loopback(port) as listening:" in source
    assert re.findall(r"\.run\((.*)\)", source) == ["sockets=[listening]"]


def test_a_key_that_others_can_read_is_refused(authority: Authority) -> None:
    pair = authority.pair("receiver")
    pair.key.chmod(0o644)
    with pytest.raises(Failure, match=pair.key.name):
        over_tls(server_of(Starlette()), pair.certificate, pair.key)


@pytest.mark.parametrize("command", [ops.command, receiver.command])
@pytest.mark.parametrize("option", ["--certificate", "--key"])
def test_one_file_without_the_other_is_a_usage_error(command: object, option: str, authority: Authority) -> None:
    said = CliRunner().invoke(command, [option, str(authority.certificate), "--port", "0"])  # type: ignore[arg-type]  # click's own
    assert (said.exit_code, "go together" in said.output) == (2, True)
