"""Bodies that say they are packed: the receiver unpacks none, and a sink unpacks no answer of a receiver."""

import asyncio
import gzip
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from standardwebhooks import Webhook
from starlette.applications import Starlette

from consumers.receiver import MAX_BODY_BYTES, application
from tests.builders.sinks import SECRET, a_parcel, an_https_sink, serving

KEY = "0b9f8a58-key_1"
MEGABYTES = 64
BOMB = gzip.compress(b" " * (MEGABYTES << 20))
PACKED = {
    "gzip": BOMB,
    "x-gzip": BOMB,
    "deflate": zlib.compress(b" " * (MEGABYTES << 20)),
    "gzip, gzip": gzip.compress(BOMB),
    "identity, gzip": BOMB,
    "br": b"\x5b\xff\xff\xff",
    "zstd": b"\x28\xb5\x2f\xfd",
    "of nobody": b"{}",
}
MOST_MEGABYTES = 16


def posted(app: Starlette, body: bytes, encodings: tuple[str, ...]) -> httpx.Response:
    at = datetime.now(UTC)
    signature = Webhook(SECRET).sign(KEY, at, body.decode("latin-1"))
    signed = [("webhook-id", KEY), ("webhook-timestamp", str(int(at.timestamp()))), ("webhook-signature", signature)]
    headers = [*signed, *(("content-encoding", one) for one in encodings)]

    async def exchange() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://receiver.test") as client:
            return await client.post("/referrals", headers=headers, content=body)

    return asyncio.run(exchange())


@contextmanager
def in_little_memory() -> Iterator[None]:
    """What Python and its decoders take in between; a bomb would take them all."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < MOST_MEGABYTES << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("encoding", PACKED)
def test_a_body_that_says_it_is_packed_is_refused_and_never_unpacked(encoding: str, tmp_path: Path) -> None:
    body, app = PACKED[encoding], application(tmp_path / "kept", SECRET)
    assert len(body) < MAX_BODY_BYTES
    with in_little_memory():
        answer = posted(app, body, (encoding,))
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert answer.json() == {"problem": "a body as it is: no Content-Encoding"}
    assert list((tmp_path / "kept").iterdir()) == []


def test_a_packed_body_that_does_not_say_so_is_no_document(tmp_path: Path) -> None:
    with in_little_memory():
        answer = posted(application(tmp_path / "kept", SECRET), gzip.compress(b"{}"), ())
    assert answer.status_code in {401, 415}, "its signature is of bytes that are no text"
    assert list((tmp_path / "kept").iterdir()) == []


@pytest.mark.parametrize(("encodings", "status"), [(("identity",), 200), (("",), 200), (("identity", "gzip"), 415)])
def test_the_word_for_nothing_is_allowed_and_a_second_header_hides_none(
    encodings: tuple[str, ...], status: int, tmp_path: Path
) -> None:
    assert posted(application(tmp_path / "kept", SECRET), b"{}", encodings).status_code == status


CODINGS = {
    "gzip within chunks": b"gzip, chunked",
    "gzip alone": b"gzip",
    "deflate alone": b"deflate",
    "chunks twice": b"chunked, chunked",
    "chunks, then nothing": b"chunked, identity",
    "chunks in disguise": b"\x0bchunked",
    "of nobody": b"of-nobody",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    with serving(tmp_path_factory.mktemp("receiver") / "kept") as address:
        yield "127.0.0.1", urlsplit(address).port or 0


@pytest.mark.parametrize("how", CODINGS)
def test_a_transfer_coding_beside_chunks_is_refused_with_what_stands_behind_it(
    how: str, place: tuple[str, int]
) -> None:
    hidden = b"0\r\n\r\nGET /live HTTP/1.1\r\nhost: a\r\n\r\n"
    head = b"POST /referrals HTTP/1.1\r\nhost: a\r\ntransfer-encoding: " + CODINGS[how] + b"\r\n\r\n"
    with closing(socket.create_connection(place, timeout=5)) as connection:
        connection.sendall(head + hidden)
        said = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert said.split(b" ", 2)[1] in {b"400", b"501"}
    assert b"live" not in said


class Packs(BaseHTTPRequestHandler):
    """A receiver whose answer would be many megabytes to whoever unpacks it."""

    body = BOMB

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-encoding", "gzip")
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """A test's own noise."""


def test_an_answer_that_is_a_bomb_is_not_unpacked_by_a_sink() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Packs)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    sink = an_https_sink(f"http://127.0.0.1:{server.server_port}")
    try:
        with in_little_memory():
            sink.send(a_parcel())
    finally:
        sink.close()
        server.shutdown()
        server.server_close()
        thread.join()
