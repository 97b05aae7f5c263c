"""The ops page, attacked: it answers what its OpenAPI says, bounds what comes, and lets no browser misuse it."""

import asyncio
import json
import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from consumers.serving import MOST_CONNECTIONS
from tests.builders.opspage import MEMBERS, an_ops_page, serving_page
from tests.builders.paces import at_will
from tocsin.cli.ops import command
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.refusing import Refusals
from tocsin.stack.watching import guarding
from tocsin.stack.watching.guarding import MOST_TARGET_BYTES, OPENAPI, guarded
from tocsin.stack.watching.page import SCRIPT

SAYS = json.loads(OPENAPI.read_text("utf-8"))
PATHS = sorted(SAYS["paths"])
PAGES = ("/", f"/member/{MEMBERS[0]}")
EVERY = (*PAGES, "/style.css", "/again.js", "/charts.js", "/live", "/?hours=7", "/member/NL", "/nothing", "/live/")
BASE = "http://localhost:8490"
LISTENS = re.compile(r"on[a-z]+|style|srcdoc|action|formaction")
"""Attributes that hold code or style, or lead elsewhere by themselves."""
SCRIPTS = sorted(SCRIPT.parent.glob("*.js"))


def asked(
    method: str, path: str, paces: Callers | None = None, names: tuple[str, ...] = (), **request: Any
) -> httpx.Response:
    app = guarded(an_ops_page(), paces or at_will(), names)

    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            return await client.request(method, path, **request)

    return asyncio.run(exchange())


def test_the_document_names_each_route_and_no_other() -> None:
    routes = {route.path for route in an_ops_page().routes if isinstance(route, Route)}
    assert routes == set(PATHS)
    assert f"at most {MOST_TARGET_BYTES} bytes" in SAYS["info"]["description"]


def documented(path: str, response: httpx.Response) -> bool:
    """Whether the document allows this answer to a GET: its status, and the kind of its content."""
    said = SAYS["paths"][path]["get"]["responses"].get(str(response.status_code), {})
    reference = said.get("$ref", "").rpartition("/")[2]
    content = SAYS["components"]["responses"].get(reference, said).get("content", {})
    return response.headers["content-type"].split(";")[0] in content


HEADERS = st.dictionaries(
    st.sampled_from(["sec-fetch-site", "sec-fetch-mode", "host", "origin", "content-type", "x-forwarded-for"]),
    st.sampled_from(["cross-site", "none", "navigate", "no-cors", "evil.example.test", "localhost", "", "\x01"]),
)


@given(
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "QUERY"]),
    name=st.sampled_from([*MEMBERS, "NL", "..%2f..%2fetc", 'x"}', "%00", "a" * 2_000]),
    query=st.sampled_from(["", "?hours=24", "?hours=7", "?hours=24&hours=7", "?" + "a" * 2_000, "?hours=%00"]),
    headers=HEADERS,
    body=st.binary(max_size=50),
)
def test_whatever_is_asked_is_answered_as_the_document_says(  # noqa: PLR0913, PLR0917  # each is drawn
    path: str, method: str, name: str, query: str, headers: dict[str, str], body: bytes
) -> None:
    response = asked(method, path.replace("{name}", name) + query, headers=headers, content=body)
    if method == "GET":
        assert documented(path, response) or (response.status_code == 404 and "%2f" in name), response
    else:
        assert response.status_code in {400, 403, 404, 405, 413, 414}, response
    assert "location" not in response.headers


@pytest.fixture
def address() -> Iterator[str]:
    with serving_page(at_will()) as found:
        yield found


def test_each_answer_tells_a_browser_what_it_may_do_with_it(address: str) -> None:
    answers = [httpx.get(address + path) for path in EVERY] + [httpx.post(f"{address}/live")]
    answers += [httpx.get(address, headers={"host": "evil.example.test"}), an_error()]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        wanted = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'")
        assert all(one in policy for one in wanted), answer.url
        assert "unsafe" not in policy
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert answer.headers["content-type"]
        given = set(answer.headers)
        assert not given & {"set-cookie", "access-control-allow-origin", "server", "location", "www-authenticate"}
    for answer in answers[:-1]:  # the last one came without a server
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def an_error() -> httpx.Response:
    """What somebody is told whose request breaks something."""

    async def breaks(_: Request) -> Response:
        raise ValueError("the inside")

    async def exchange() -> httpx.Response:
        app = guarded(Starlette(routes=[Route("/", breaks)]), at_will())
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.get("/")

    return asyncio.run(exchange())


def test_an_error_tells_nothing_of_the_inside() -> None:
    assert (an_error().status_code, an_error().text) == (500, "Internal Server Error")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_load_its_own_style_and_scripts_and_nothing_else(path: str) -> None:
    policy = dict(one.strip().split(" ", 1) for one in asked("GET", path).headers["content-security-policy"].split(";"))
    assert policy == {
        **dict.fromkeys(("style-src", "script-src", "connect-src"), "'self'"),
        **dict.fromkeys(("default-src", "frame-ancestors", "base-uri", "form-action", "object-src"), "'none'"),
    }


class Tags(HTMLParser):
    """Each tag with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_code_of_its_own_and_leads_nowhere_else(path: str) -> None:
    tags = Tags(asked("GET", path).text).found
    assert len(tags) > 100, "or this test would see nothing"
    for tag, attributes in tags:
        assert not {name for name in attributes if LISTENS.fullmatch(name)}, (tag, attributes)
        for name in {"src", "href"} & attributes.keys():
            assert urlsplit(attributes[name])[:2] == ("", ""), attributes
    assert all("src" in held or held.get("type") == "application/json" for tag, held in tags if tag == "script")
    assert not {tag for tag, _ in tags} & {"style", "iframe", "object", "embed", "base", "form", "applet"}


@pytest.mark.parametrize("file", SCRIPTS, ids=lambda file: file.name)
def test_a_script_writes_text_keeps_nothing_and_listens_to_no_other_page(file: Path) -> None:
    writing = "innerHTML|outerHTML|insertAdjacentHTML|document\\.write|eval\\(|new Function|setTimeout\\([\"']"
    keeping = "localStorage|sessionStorage|indexedDB|document\\.cookie|caches\\.|serviceWorker"
    listening = "postMessage|onmessage|addEventListener\\([\"']message|__proto__|prototype|window\\.open|location\\s*="
    assert re.findall(f"{writing}|{keeping}|{listening}", file.read_text("utf-8")) == []


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_elsewhere_gets_no_part_of_it_and_may_lead_somebody_here(site: str) -> None:
    for path in EVERY[:6]:
        taken = asked("GET", path, headers={"sec-fetch-site": site, "sec-fetch-mode": "no-cors"})
        led = asked("GET", path, headers={"sec-fetch-site": site, "sec-fetch-mode": "navigate"})
        assert (taken.status_code, led.status_code) == (403, 200)


STRANGE = (
    "evil.example.test", "evil.example.test:8490", "localhost.evil.example.test", "evil.example.test:8490:localhost",
    "127.0.0.1.example.test", "10.0.0.1", "[::2]:8490", "[localhost]", "localhost:http", "localhost@evil", "", "*",
)  # fmt: skip


@pytest.mark.parametrize("host", STRANGE)
def test_a_strangers_name_that_was_made_to_lead_here_gets_nothing(
    host: str, address: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarding, "_REFUSALS", Refusals(guarding.NAME))  # it says each reason once in a while
    for path in EVERY[:6]:
        assert asked("GET", path, headers={"host": host}).status_code == 400
    answer = httpx.get(address, headers={"host": host})
    assert (answer.status_code, any(name in answer.text for name in MEMBERS)) == (400, False)
    assert "ops: for another name" in caplog.text
    assert "evil" not in caplog.text


@pytest.mark.parametrize("host", ["localhost", "LocalHost:8490", "127.0.0.1:1", "[::1]:8490", "[::1]"])
def test_a_name_of_this_machine_is_answered_with_whatever_port_a_tunnel_has(host: str) -> None:
    assert asked("GET", "/live", headers={"host": host}).status_code == 200


def test_a_name_that_the_operator_says_is_answered_beside_those_of_this_machine() -> None:
    names = ("ops.example.test",)
    for host in ("ops.example.test", "OPS.example.test:443", "localhost"):
        assert asked("GET", "/", names=names, headers={"host": host}).status_code == 200
    assert asked("GET", "/", names=names, headers={"host": "an.ops.example.test"}).status_code == 400


def test_whoever_reads_it_over_tls_by_a_name_of_the_operators_is_told_to_come_by_tls_alone() -> None:
    names, header = ("ops.example.test", "localhost"), "strict-transport-security"
    for path in EVERY:
        answer = asked("GET", f"https://ops.example.test{path}", names=names)
        assert answer.headers[header] == "max-age=31536000; includeSubDomains", path
        for address in ("http://ops.example.test", "https://localhost:8490", "https://evil.example.test"):
            assert header not in asked("GET", address + path, names=names).headers, "plain, this machine, or a stranger"


def test_a_proxy_of_this_machine_that_speaks_tls_says_so_for_the_page() -> None:
    with serving_page(at_will(), names=("ops.example.test",)) as address:
        told = {"host": "ops.example.test", "x-forwarded-proto": "https", "x-forwarded-for": "192.0.2.7"}
        assert "strict-transport-security" in httpx.get(address, headers=told).headers
        assert (
            "strict-transport-security" not in httpx.get(address, headers=told | {"x-forwarded-proto": "http"}).headers
        )


@pytest.mark.parametrize("name", ["*", "*.example.test", "ops.example.test:443", "https://ops", "a b", ""])
def test_a_name_that_no_request_can_have_is_wrong_usage(name: str) -> None:
    done = CliRunner().invoke(command, ["--no-download", "--port", "0", "--host", name])
    assert (done.exit_code, "a name without port or wildcard was expected" in done.output) == (2, True)


def test_nothing_but_a_get_is_answered_and_nothing_is_changed_by_one() -> None:
    methods = ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY")
    assert {asked(method, path).status_code for method in methods for path in EVERY[:6]} == {405}


def test_a_body_and_an_address_above_its_bound_are_refused_unread(address: str) -> None:
    host, port = urlsplit(address).hostname or "", urlsplit(address).port or 0
    head = b"GET /live HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99999999999\r\n\r\n"
    with closing(socket.create_connection((host, port), timeout=5)) as connection:
        connection.sendall(head)
        assert b" 413 " in connection.recv(4_096).split(b"\r\n")[0]
    assert httpx.get(f"{address}/?hours=1&{'a' * MOST_TARGET_BYTES}").status_code == 414
    assert httpx.get(f"{address}/live", headers={"transfer-encoding": "chunked"}).status_code == 413


def test_more_than_the_pace_are_told_to_wait_and_the_log_says_whom(caplog: pytest.LogCaptureFixture) -> None:
    with serving_page(Callers(each=pace(0.001, 2), together=pace(1, 100))) as address:
        answers = [httpx.get(f"{address}/live") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    told = [record for record in caplog.records if record.name == "tocsin.runtime.refusing"]
    assert [record.getMessage() for record in told] == ["ops: above its pace"] * len(told)


def test_one_connection_too_many_is_closed_and_said_to_be_of_the_page(
    address: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    place = (urlsplit(address).hostname or "", urlsplit(address).port or 0)
    with ExitStack() as held:
        for _ in range(MOST_CONNECTIONS):
            held.enter_context(closing(socket.create_connection(place, timeout=5)))
        time.sleep(0.2)
        one_more = held.enter_context(closing(socket.create_connection(place, timeout=5)))
        assert one_more.recv(1) == b""
    assert httpx.get(f"{address}/live").text == "live\n"
    assert "receiver:" not in caplog.text


def test_a_reader_of_the_page_is_well_below_its_pace() -> None:
    loads = len(EVERY[:6])
    assert loads * 10 <= guarding.AT_ONCE
