"""Whom a metrics port refused, and why, and whose certificate it took is in the log of its process."""

import json
import logging
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from tests.builders.refusals import connected, told, waited_for
from tocsin.runtime.endpoint import MOST_CONNECTIONS, Endpoint
from tocsin.runtime.health import Health
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.refusing import Refusals
from tocsin.runtime.settings import MetricsTls
from tocsin.stack.certificates import Authority

ENDPOINT = "tocsin.runtime.endpoint"
MARK = "planted-by-the-caller"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint(Health(), "127.0.0.1", 0, paces=Callers(each=pace(0.001, 1), together=pace(1, 100)))
    yield endpoint
    endpoint.close()


def asked(endpoint: Endpoint, method: str) -> int:
    with closing(HTTPConnection("127.0.0.1", endpoint.port, timeout=5)) as connection:
        connection.request(method, f"/{MARK}")
        return connection.getresponse().status


def test_a_caller_above_its_pace_and_one_of_another_method_are_told(
    endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    assert [asked(endpoint, method) for method in ("GET", "GET", "GET", "DELETE")] == [404, 429, 429, 405]
    for why in ("above its pace", "another method than GET"):
        line = waited_for(caplog, why)
        assert (line["stage"], line["outcome"], line["caller"]) == ("endpoint", "refused", "127.0.0.1")
    assert len(told(caplog)) == 2, "the third is held back"
    assert MARK not in json.dumps(told(caplog))


def test_no_http_and_one_connection_too_many_are_told(endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
    place = ("127.0.0.1", endpoint.port)
    with closing(socket.create_connection(place, timeout=5)) as stranger:
        stranger.sendall(MARK.encode() + b"\r\n\r\n")
        assert waited_for(caplog, "no HTTP")["caller"] == "127.0.0.1"
    with connected(place, MOST_CONNECTIONS + 1):
        assert waited_for(caplog, "one connection too many")["caller"] == "127.0.0.1"
    assert MARK not in json.dumps(told(caplog))


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours")


@pytest.fixture
def guarded(authority: Authority) -> Iterator[Endpoint]:
    pair = authority.pair("triage")
    tls = MetricsTls(certificate=pair.certificate, key=pair.key, ca=authority.certificate)
    endpoint = Endpoint(Health(), "127.0.0.1", 0, tls)
    yield endpoint
    endpoint.close()


def test_each_handshake_without_a_good_certificate_is_told(
    authority: Authority, guarded: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    context = ssl.create_default_context(cafile=authority.certificate)
    for _ in range(2):
        with closing(context.wrap_socket(socket.socket(), server_hostname="localhost")) as stranger:
            stranger.connect(("127.0.0.1", guarded.port))
            with pytest.raises(OSError, match=r"alert|reset|closed|EOF"):
                stranger.recv(1)
        assert waited_for(caplog, "no TLS with a certificate of its authority")["caller"] == "127.0.0.1"
    guarded.close()
    assert [line["outcome"] for line in told(caplog, ENDPOINT)] == ["refused"] * 2


def test_each_handshake_with_a_good_certificate_is_told_by_the_name_in_it(
    authority: Authority, guarded: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    context = ssl.create_default_context(cafile=authority.certificate)
    scraper = authority.pair("prometheus")
    context.load_cert_chain(scraper.certificate, scraper.key)
    for _ in range(2):
        with closing(HTTPSConnection("localhost", guarded.port, timeout=5, context=context)) as connection:
            connection.request("GET", f"/{MARK}")
            assert connection.getresponse().status == 404
    lines = told(caplog, ENDPOINT)
    assert [(line["outcome"], line["caller"], line["client"]) for line in lines] == [
        ("let_in", "127.0.0.1", "prometheus")
    ] * 2
    assert MARK not in json.dumps(lines)


def test_a_flood_is_one_line_and_what_concerns_a_signature_is_told_each_time(caplog: pytest.LogCaptureFixture) -> None:
    refusals = Refusals("endpoint")
    for _ in range(5):
        refusals.tell_of_many("above its pace", "192.0.2.7")
    (line,) = told(caplog)
    assert line["level"] == "warning"
    refusals.tell("the signature does not verify", "192.0.2.7")
    refusals.tell("the signature does not verify", "192.0.2.7")
    assert len(told(caplog)) == 3
