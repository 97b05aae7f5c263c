"""Where a webhook goes: to the address that was judged, and to none that only this machine or its network knows."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest

from consumers import settings
from consumers.sinks.build import build
from consumers.sinks.destination import Reach, addresses_of, destination, may_go_to
from consumers.sinks.https import Endpoint, HttpsSink
from consumers.sinks.port import Away, Presence
from schemas.failures import Broken, Refused
from tests.builders.sinks import SECRET, a_parcel, serving

PUBLIC, PRIVATE = ("93.184.216.34", "2606:2800:21f::1"), ("10.1.2.3", "192.168.7.7", "172.16.0.9", "fd00::7")
NEVER = (
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "169.254.169.254",
    "fe80::1",
    "0.0.0.0",  # noqa: S104  # an address to be refused, and no listener
    "::",
    "224.0.0.1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
)
URL = "https://hooks.example.test:8443/referrals"


@pytest.mark.parametrize(
    ("addresses", "anywhere", "in_private"), [(PUBLIC, True, True), (PRIVATE, False, True), (NEVER, False, False)]
)
def test_public_always_private_where_asked_for_and_this_machine_never(
    addresses: tuple[str, ...], anywhere: bool, in_private: bool
) -> None:
    for one in addresses:
        assert may_go_to(ip_address(one), private_network=False) is anywhere, one
        assert may_go_to(ip_address(one), private_network=True) is in_private, one


@pytest.mark.parametrize(("address", "place"), [(PUBLIC[0], PUBLIC[0]), (PUBLIC[1], f"[{PUBLIC[1]}]")])
def test_the_connection_goes_to_the_address_that_was_judged_under_its_name(address: str, place: str) -> None:
    found = destination(URL, lambda _: ("127.0.0.1", address), Reach())
    assert found.url == f"https://{place}:8443/referrals"
    assert (found.host, found.server_name) == ("hooks.example.test:8443", "hooks.example.test")


@pytest.mark.parametrize("answers", [(), ("127.0.0.1",), ("169.254.169.254", "10.0.0.1")])
def test_a_name_that_leads_to_this_machine_or_its_network_is_away(answers: tuple[str, ...]) -> None:
    with pytest.raises(Away) as caught:
        destination(URL, lambda _: answers, Reach(this_machine=True))
    assert caught.value.code == "sink.forbidden_address"


def test_a_name_that_does_not_exist_is_away() -> None:
    assert addresses_of("nowhere.invalid") == ()


@pytest.mark.parametrize("host", ["10.0.0.1", "169.254.169.254", "[fd00::1]", "127.0.0.2", "[::ffff:127.0.0.1]"])
def test_such_an_address_in_the_settings_is_refused_at_once(host: str) -> None:
    for reach in (Reach(), Reach(this_machine=True)):
        assert refusal_of(f"https://{host}/", reach) == "delivery.settings"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_service_of_this_machine_is_asked_only_where_the_settings_say_so(scheme: str, host: str) -> None:
    url = f"{scheme}://{host}:9090/api"
    for reach in (Reach(), Reach(private_network=True)):
        assert refusal_of(url, reach) == "delivery.this_machine"
        with pytest.raises(Away) as caught:
            destination(url, lambda _: ("127.0.0.1",), reach)
        assert caught.value.code == "sink.forbidden_address"
    assert refusal_of(url, Reach(this_machine=True)) == ""
    assert destination(url, lambda _: (), Reach(this_machine=True)).url == url


def test_what_it_is_asked_for_is_looked_at_as_what_it_is_sent() -> None:
    endpoint = Endpoint(url=URL, check_url="http://127.0.0.1:9090/api", secret=SECRET)
    with pytest.raises(Broken) as caught:
        HttpsSink(endpoint, httpx.Client(transport=httpx.MockTransport(refused)), lambda: datetime.now(UTC))
    assert caught.value.code == "delivery.this_machine"


def test_in_plain_it_goes_to_this_machine_alone() -> None:
    for reach in (Reach(), Reach(private_network=True, this_machine=True)):
        assert refusal_of("http://93.184.216.34/", reach) == "delivery.settings"


def refusal_of(url: str, reach: Reach) -> str:
    """The code with which the settings are refused; nothing where they are not."""
    client = httpx.Client(transport=httpx.MockTransport(refused))
    try:
        HttpsSink(Endpoint(url=url, secret=SECRET, reach=reach), client, lambda: datetime.now(UTC)).close()
    except Broken as broken:
        return broken.code
    return ""


def refused(_: httpx.Request) -> httpx.Response:
    raise AssertionError("nobody was to be asked")


def test_what_is_sent_goes_there_with_the_name_for_the_certificate() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204, content=iter([b""]))

    with closing(a_sink(URL, httpx.MockTransport(answer), PUBLIC)) as sink:
        sink.send(a_parcel())
    assert seen[0].url.host == PUBLIC[0]
    assert seen[0].headers["host"] == "hooks.example.test:8443"
    assert seen[0].extensions["sni_hostname"] == "hooks.example.test"


def test_a_name_that_is_answered_otherwise_the_second_time_leads_nowhere_else() -> None:
    answers = iter([PUBLIC, ("127.0.0.1",)])
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.host)
        return httpx.Response(204, content=iter([b""]))

    client = httpx.Client(transport=httpx.MockTransport(answer))
    endpoint = Endpoint(url=URL, secret=SECRET)
    with closing(HttpsSink(endpoint, client, lambda: datetime.now(UTC), lambda _: next(answers))) as sink:
        sink.send(a_parcel("first"))
        with pytest.raises(Away):
            sink.send(a_parcel("second"))
    assert seen == [PUBLIC[0]]


def a_sink(url: str, transport: httpx.BaseTransport, answers: tuple[str, ...]) -> HttpsSink:
    endpoint = Endpoint(url=url, secret=SECRET)
    client = httpx.Client(transport=transport)
    return HttpsSink(endpoint, client, lambda: datetime.now(UTC), lambda _: answers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_wherever_it_leads(status: int, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET)
    with serving(tmp_path / "kept") as address, redirecting(status, f"{address}/referrals") as first:
        chosen = settings.HttpsSink(url=first, check_url=first, secret_file=secret, this_machine=True)
        with closing(build(chosen)) as sink:
            with pytest.raises(Refused) as caught:
                sink.send(a_parcel())
            assert sink.check("a") is Presence.UNKNOWN
    assert caught.value.code == "sink.redirected"
    assert list((tmp_path / "kept").iterdir()) == []


@contextmanager
def redirecting(status: int, location: str) -> Iterator[str]:
    class Redirecting(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("location", location)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST  # noqa: N815  # the library's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()
