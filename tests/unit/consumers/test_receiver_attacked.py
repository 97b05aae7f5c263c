"""The reference receiver, attacked: it answers what its own OpenAPI says, and nothing unsigned has an effect."""

import asyncio
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.routing import Route

from consumers import receiver
from consumers.receiver import MAX_BODY_BYTES, OPENAPI, application
from consumers.serving import MOST_CONNECTIONS, Impatient
from tests.builders.misbehaving import obedient
from tests.builders.sinks import ANOTHER_SECRET, SECRET, serving
from tocsin.runtime.failures import Broken
from tocsin.runtime.pacing import Callers, pace

SAYS = json.loads(OPENAPI.read_text("utf-8"))
KEY = "0b9f8a58-key_1"
METHODS = ("get", "post", "put", "patch", "delete", "options")
BASE = "http://receiver.example.test"


def signed(body: bytes = b"{}", key: str = KEY, secret: str = SECRET, age: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(UTC) - age
    signature = Webhook(secret).sign(key, at, body.decode())
    return {"webhook-id": key, "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": signature}


def asked(app: Starlette, method: str, path: str, **request: Any) -> httpx.Response:
    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            return await client.request(method, path, **request)

    return asyncio.run(exchange())


@pytest.fixture
def app(tmp_path: Path) -> Starlette:
    return application(tmp_path / "kept", SECRET)


def kept(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "kept").iterdir()]


def documented(path: str, method: str, response: httpx.Response) -> bool:
    """Whether the document allows this answer: its status, and the kind of its content."""
    operation = SAYS["paths"].get(path, {}).get(method)
    if operation is None:
        return response.status_code == 405
    said = operation["responses"].get(str(response.status_code), {})
    reference = said.get("$ref", "").rpartition("/")[2]
    content = SAYS["components"]["responses"].get(reference, said).get("content", {})
    return response.headers["content-type"].split(";")[0] in content


def test_the_document_names_each_route_and_no_other(app: Starlette) -> None:
    routes = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert routes == {(path, method) for path, operations in SAYS["paths"].items() for method in operations}
    assert asked(app, "GET", "/openapi.json").json() == SAYS
    assert f"at most {MAX_BODY_BYTES} bytes" in SAYS["paths"]["/referrals"]["post"]["requestBody"]["description"]


HEADERS = st.dictionaries(
    st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "content-encoding"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
    | st.sampled_from(["v1,", "v1,AAAA", "v1", "-1", "9" * 400, "1e9", "../../x", "nan"]),
)


@given(
    path=st.sampled_from(sorted(SAYS["paths"])),
    method=st.sampled_from(METHODS),
    key=st.sampled_from([KEY, "..%2f..%2fetc", "%00", "A", "a" * 200]),
    headers=HEADERS,
    body=st.binary(max_size=200),
    is_signed=st.booleans(),
)
def test_whatever_is_asked_is_answered_as_the_document_says(  # noqa: PLR0913, PLR0917  # each is drawn
    tmp_path_factory: pytest.TempPathFactory,
    path: str,
    method: str,
    key: str,
    headers: dict[str, str],
    body: bytes,
    is_signed: bool,
) -> None:
    app = application(tmp_path_factory.mktemp("receiver") / "kept", SECRET)
    content = b"" if method == "get" else body
    if is_signed and content.isascii():
        headers = signed(content) | headers
    response = asked(app, method.upper(), path.replace("{key}", key), headers=headers, content=content)
    assert documented(path, method, response) or (response.status_code == 404 and "%2f" in key), response


def altered(**changes: str) -> Callable[[], tuple[dict[str, str], bytes]]:
    return lambda: (signed() | {name.replace("_", "-"): value for name, value in changes.items()}, b"{}")


def without(name: str) -> Callable[[], tuple[dict[str, str], bytes]]:
    return lambda: ({key: value for key, value in signed().items() if key != name}, b"{}")


UNSIGNED: dict[str, Callable[[], tuple[dict[str, str], bytes]]] = {
    "no header at all": lambda: ({}, b"{}"),
    "no id": without("webhook-id"),
    "no time": without("webhook-timestamp"),
    "no signature": without("webhook-signature"),
    "an empty signature": altered(webhook_signature=""),
    "a version alone": altered(webhook_signature="v1,"),
    "no known version": lambda: (
        signed() | {"webhook-signature": signed()["webhook-signature"].replace("v1", "v9")},
        b"{}",
    ),
    "another secret": lambda: (signed(secret=ANOTHER_SECRET), b"{}"),
    "another body": lambda: (signed(), b'{"a": 1}'),
    "another id": altered(webhook_id="another"),
    "another time": altered(webhook_timestamp=str(int(time.time()) - 7)),
    "replayed after six minutes": lambda: (signed(age=timedelta(minutes=6)), b"{}"),
    "of the future": lambda: (signed(age=timedelta(minutes=-6)), b"{}"),
    "a time that is none": altered(webhook_timestamp="9" * 5_000),
    "no text": lambda: (signed(), b"\xff\xfe"),
}


@pytest.mark.parametrize("how", UNSIGNED)
def test_what_is_not_signed_as_it_stands_has_no_effect(how: str, app: Starlette, tmp_path: Path) -> None:
    headers, body = UNSIGNED[how]()
    assert asked(app, "POST", "/referrals", headers=headers, content=body).status_code == 401
    assert kept(tmp_path) == []


def test_a_replay_within_the_time_has_no_second_effect(app: Starlette, tmp_path: Path) -> None:
    headers = signed()
    first, second = (asked(app, "POST", "/referrals", headers=headers, content=b"{}") for _ in range(2))
    assert (first.json()["known"], second.json()["known"]) == (False, True)
    assert kept(tmp_path) == [f"{KEY}.json"]


@pytest.mark.parametrize("key", ["../outside", "a/b", ".hidden", "A", "a" * 121])
def test_a_key_that_would_be_another_file_is_refused_though_it_is_signed(
    key: str, app: Starlette, tmp_path: Path
) -> None:
    response = asked(app, "POST", "/referrals", headers=signed(key=key), content=b"{}")
    assert (response.status_code, kept(tmp_path)) == (400, [])


def test_only_who_may_send_learns_whether_a_referral_is_here(app: Starlette) -> None:
    asked(app, "POST", "/referrals", headers=signed(), content=b"{}")
    place = f"/referrals/{KEY}"
    assert asked(app, "GET", place).status_code == 401
    assert asked(app, "GET", place, headers=signed(b"", "another")).status_code == 401
    assert asked(app, "GET", place, headers=signed(b"", secret=ANOTHER_SECRET)).status_code == 401
    assert asked(app, "GET", place, headers=signed(b"")).status_code == 200
    assert asked(app, "GET", "/referrals/another", headers=signed(b"", "another")).status_code == 404


def test_a_body_above_the_bound_is_not_read_to_its_end(app: Starlette, tmp_path: Path) -> None:
    read = 0

    async def endless() -> Any:
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    assert asked(app, "POST", "/referrals", headers=signed(), content=endless()).status_code == 413
    assert read <= MAX_BODY_BYTES + 131_072
    assert kept(tmp_path) == []


def test_more_than_the_pace_are_told_to_wait(tmp_path: Path) -> None:
    app = application(tmp_path / "kept", SECRET, Callers(each=pace(0.001, 2), together=pace(1, 100)))
    answers = [asked(app, "POST", "/referrals", headers=signed(), content=b"{}") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert int(answers[2].headers["retry-after"]) > 0
    assert asked(app, "GET", f"/referrals/{KEY}", headers=signed(b"")).status_code == 429
    assert asked(app, "GET", "/live").status_code == 200, "who watches is not kept away by who posts"


def test_a_stranger_behind_the_proxy_does_not_keep_the_sender_away(tmp_path: Path) -> None:
    paces = Callers(each=pace(0.001, 3), together=pace(0.001, 100))
    with serving(tmp_path / "kept", paces=paces) as address:

        def post(caller: str, headers: dict[str, str]) -> int:
            told = headers | {"x-forwarded-for": caller}
            return httpx.post(f"{address}/referrals", headers=told, content=b"{}", trust_env=False).status_code

        assert [post("192.0.2.7", {}) for _ in range(5)] == [401, 401, 401, 429, 429]
        assert [post(f"2001:db8::{number}", {}) for number in range(1, 6)] == [401, 401, 401, 429, 429]
        assert post("192.0.2.8", signed()) == 200


def test_while_a_secret_is_replaced_both_are_good_and_then_the_new_one_alone(tmp_path: Path) -> None:
    def status(secrets: str, secret: str) -> int:
        app = application(tmp_path / "kept", secrets)
        return asked(app, "POST", "/referrals", headers=signed(secret=secret), content=b"{}").status_code

    both = f"{ANOTHER_SECRET}\n{SECRET}"
    assert [status(both, one) for one in (SECRET, ANOTHER_SECRET)] == [200, 200]
    assert [status(ANOTHER_SECRET, one) for one in (SECRET, ANOTHER_SECRET)] == [401, 200]


@pytest.mark.parametrize("secrets", ["", f"{SECRET} {ANOTHER_SECRET} {SECRET}"])
def test_no_secret_and_three_are_refused_at_once(secrets: str, tmp_path: Path) -> None:
    with pytest.raises(Broken, match="secret was expected"):
        application(tmp_path / "kept", secrets)


def test_where_it_is_told_to_misbehave_nonsense_is_refused(tmp_path: Path) -> None:
    app = obedient(tmp_path / "kept", SECRET)
    for body in (b"", b"[" * 100_000, b'{"status": "no"}', b'{"status": ' + b"9" * 5_000 + b"}", b"\xff"):
        assert asked(app, "POST", "/behaviour", content=body).status_code == 400


class InAHurry(Impatient):
    patience_seconds = 0.3


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[str, int]]:
    with serving(tmp_path / "kept", InAHurry) as address:
        yield "127.0.0.1", urlsplit(address).port or 0


def closed_after(connection: socket.socket, *, drip: bytes = b"") -> float:
    """Seconds until the other side is gone, while a byte comes now and then."""
    began = time.monotonic()
    connection.settimeout(0.05)
    while time.monotonic() - began < 5:
        try:
            if drip:
                connection.sendall(drip)
            if not connection.recv(1):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    return time.monotonic() - began


@pytest.mark.parametrize("drip", [b"", b"x"])
def test_who_never_ends_a_head_is_sent_away(place: tuple[str, int], drip: bytes) -> None:
    with closing(socket.create_connection(place)) as slow:
        slow.sendall(b"POST /referrals HTTP/1.1\r\nhost: a\r\nx-slow: ")
        assert closed_after(slow, drip=drip) < 2


def test_who_never_ends_a_body_is_told_so_and_others_are_served(
    place: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "LONGEST_WAIT_SECONDS", 0.3)
    with closing(socket.create_connection(place)) as slow:
        slow.sendall(b"POST /referrals HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{")
        assert httpx.get(f"http://127.0.0.1:{place[1]}/live", trust_env=False).status_code == 200
        slow.settimeout(3)
        assert b" 408 " in slow.recv(4096)


def test_more_connections_than_there_are_places_are_closed_at_once(place: tuple[str, int]) -> None:
    held = [socket.create_connection(place) for _ in range(MOST_CONNECTIONS)]
    try:
        with closing(socket.create_connection(place)) as one_more:
            assert closed_after(one_more) < 0.25
    finally:
        for connection in held:
            connection.close()


def test_what_it_is_made_of_is_not_told(place: tuple[str, int]) -> None:
    response = httpx.get(f"http://127.0.0.1:{place[1]}/live", trust_env=False)
    assert "server" not in response.headers
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"


def test_no_host_header_leads_elsewhere(place: tuple[str, int]) -> None:
    for path in ("/live/", "/referrals/", "//evil.example.test/"):
        url = f"http://127.0.0.1:{place[1]}{path}"
        response = httpx.get(url, headers={"host": "evil.example.test"}, trust_env=False)
        assert (response.status_code, response.headers.get("location")) in {(404, None), (405, None), (401, None)}


AMBIGUOUS = {
    "two lengths": b"content-length: 2\r\ncontent-length: 40\r\n\r\n{}",
    "a length that is none": b"content-length: -2\r\n\r\n{}",
    "chunks of another coding": b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk without a length": b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("how", AMBIGUOUS)
def test_a_request_whose_end_could_be_read_in_two_ways_is_refused_and_nothing_behind_it_is_read(
    how: str, place: tuple[str, int]
) -> None:
    hidden = b"GET /live HTTP/1.1\r\nhost: a\r\n\r\n"
    with closing(socket.create_connection(place, timeout=5)) as connection:
        connection.sendall(b"POST /referrals HTTP/1.1\r\nhost: a\r\n" + AMBIGUOUS[how] + hidden)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b" 200 " not in said
    assert b"live" not in said


def test_where_there_are_a_length_and_chunks_the_chunks_count_and_what_follows_is_a_request_of_its_own(
    place: tuple[str, int],
) -> None:
    with closing(socket.create_connection(place, timeout=5)) as connection:
        connection.sendall(
            b"POST /referrals HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert b" 401 " in connection.recv(65_536)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("first", [True, False])
def test_a_header_that_is_there_twice_is_no_way_round_a_signature(
    name: str, first: bool, app: Starlette, tmp_path: Path
) -> None:
    good = list(signed().items())
    other = (name, signed(b'{"a": 1}', "another", ANOTHER_SECRET)[name])
    headers = [other, *good] if first else [*good, other]
    asked(app, "POST", "/referrals", headers=headers, content=b"{}")
    assert set(kept(tmp_path)) <= {f"{KEY}.json"}, "under the key that was signed, or not at all"
