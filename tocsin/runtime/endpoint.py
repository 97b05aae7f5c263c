"""The one HTTP port of a process: /metrics, /live and /ready."""

import contextlib
import logging
import math
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from schemas.catalogue import message
from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.loopback import CALLED, is_called, is_loopback
from tocsin.runtime.metrics import REGISTRY, record_left
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.refusing import Refusals
from tocsin.runtime.room import show_room
from tocsin.runtime.settings import MetricsTls, Settings
from tocsin.runtime.targets import announce
from tocsin.runtime.tls import serving

_HANDSHAKE_SECONDS: Final = 5.0
LONGEST_CONNECTION_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 32
PER_SECOND, AT_ONCE = 50.0, 100.0
"""Of one caller; a scraper and a prober ask once in seconds. All callers together have four times that."""
NAME: Final = "endpoint"
_LOG: Final = logging.getLogger(__name__)
_PLAIN = "text/plain; charset=utf-8"
_NOTHING: Final[Mapping[str, str]] = {}


class Endpoint:
    """Serves until closed; `port` is the one in use, also where 0 was asked for."""

    def __init__(
        self, health: Health, host: str, port: int, tls: MetricsTls | None = None, *, paces: Callers | None = None
    ) -> None:
        context = serving(tls.certificate, tls.key, tls.ca) if tls else None
        refusals = Refusals(NAME)
        try:
            handler = _handler(health, paces or _callers(), refusals, _names(host, is_guarded=tls is not None))
            self._server = _Server((host, port), handler, context, refusals)
        except OSError as error:
            raise Broken(
                f"Port {port} on {host} cannot be opened for metrics ({error.strerror}). Choose another metrics_port.",
                code="endpoint.port_in_use",
            ) from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._told: Path | None = None

    def tell(self, folder: Path, host: str, *, is_tls: bool) -> None:
        """Have a Prometheus beside this process know where it is served, until it is closed."""
        self._told = announce(folder, host, self.port, is_tls=is_tls)

    def close(self) -> None:
        """Stop serving and free the port; whoever takes it next tells of it anew."""
        if self._told:
            self._told.unlink(missing_ok=True)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def endpoint_of(settings: Settings, health: Health) -> Endpoint | None:
    """The endpoint that the settings ask for, at their named address; None where they ask for none.

    Raises Broken where it would answer in plain whoever reaches another address than loopback, and nobody asked for it.
    """
    if not settings.metrics_port:
        return None
    if not (settings.metrics_tls or settings.metrics_plaintext or is_loopback(settings.metrics_host)):
        raise Broken(message("endpoint.plaintext", host=settings.metrics_host), code="endpoint.plaintext")
    show_room(settings.state)
    host, tls = settings.metrics_host, settings.metrics_tls
    endpoint = Endpoint(health, host, settings.metrics_port, tls)
    if settings.metrics_targets:
        endpoint.tell(settings.metrics_targets, host, is_tls=tls is not None)
    return endpoint


class _Server(ThreadingHTTPServer):
    """Handshakes in the thread of each connection: a silent client holds up nobody."""

    request_queue_size = 2 * MOST_CONNECTIONS

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        tls: ssl.SSLContext | None,
        refusals: Refusals,
    ) -> None:
        self._tls, self._refusals = tls, refusals
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each connection, for as many as there are places: one more is closed at once."""
        if not self._places.acquire(blocking=False):
            self._refusals.tell_of_many("one connection too many", client_address[0])
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """A byte now and then keeps no connection open: it ends when its time is over, whatever it is doing."""
        timer = threading.Timer(LONGEST_CONNECTION_SECONDS, _cut, (request,))
        timer.daemon = True
        timer.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            timer.cancel()
            self._places.release()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        if self._tls is None:
            return connection, address
        connection.settimeout(_HANDSHAKE_SECONDS)
        return self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Who shows a good certificate is told of in the log, by the name in it, before anything is asked."""
        if self._tls is not None:
            request.do_handshake()
            facts = {"stage": NAME, "outcome": "let_in", "caller": client_address[0], "client": _name_in(request)}
            _LOG.info("a certificate of its authority", extra={"facts": facts})
        super().finish_request(request, client_address)

    def handle_error(self, request: object, client_address: Any) -> None:
        """Who shows no good certificate is told of in the log; who goes away is no event of ours."""
        if isinstance(sys.exception(), ssl.SSLError):
            self._refusals.tell("no TLS with a certificate of its authority", client_address[0])


def _name_in(connection: ssl.SSLSocket) -> str:
    """The common name of the certificate that was shown; empty where it has none."""
    shown: dict[str, Any] = connection.getpeercert() or {}
    return next((value for part in shown.get("subject", ()) for key, value in part if key == "commonName"), "")


def _cut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _answer_metrics(_: Health) -> tuple[int, str, bytes]:
    return 200, CONTENT_TYPE_LATEST, generate_latest(REGISTRY)


def _answer_live(_: Health) -> tuple[int, str, bytes]:
    return 200, _PLAIN, b"live\n"


def _answer_ready(health: Health) -> tuple[int, str, bytes]:
    stale = health.stale(time.monotonic())
    return (503, _PLAIN, f"stale: {', '.join(stale)}\n".encode()) if stale else (200, _PLAIN, b"ready\n")


def _answer_unknown(_: Health) -> tuple[int, str, bytes]:
    return 404, _PLAIN, b"not found\n"


_ANSWERS: dict[str, Callable[[Health], tuple[int, str, bytes]]] = {
    "/metrics": _answer_metrics,
    "/live": _answer_live,
    "/ready": _answer_ready,
}
PATHS: Final = tuple(_ANSWERS)
OPENAPI: Final = Path(__file__).with_name("endpoint.openapi.json")


def answer(path: str, health: Health) -> tuple[int, str, bytes]:
    """Status, content type and body of one of the paths; also for a process that has an HTTP server already."""
    return _ANSWERS[path](health)


def _callers() -> Callers:
    return Callers(each=pace(PER_SECOND, AT_ONCE), together=pace(4 * PER_SECOND, 4 * AT_ONCE))


class _Speaking(BaseHTTPRequestHandler):
    """How whatever is answered is said, without a word of what it is made of or what was asked."""

    timeout = 5
    """Seconds; a client that sends nothing cannot hold a thread."""
    server_version, sys_version = "tocsin", ""
    error_content_type, error_message_format = _PLAIN, "%(code)d\n"

    def say(self, status: int, content_type: str, body: bytes, more: Mapping[str, str] = _NOTHING) -> None:
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """What is scraped is no event: with whose certificate it was, the server tells."""


def _names(host: str, *, is_guarded: bool) -> Collection[str] | None:
    """By which a browser of this machine may have been led here; None where others come, or show a certificate."""
    return CALLED | {host.lower()} if is_loopback(host) and not is_guarded else None


def _handler(
    health: Health, paces: Callers, refusals: Refusals, names: Collection[str] | None
) -> type[BaseHTTPRequestHandler]:
    class Handler(_Speaking):
        def do_GET(self) -> None:
            if wait := paces.wait_seconds(self.client_address[0], time.monotonic()):
                record_left(NAME, "paced")
                refusals.tell_of_many("above its pace", self.client_address[0])
                self.say(429, _PLAIN, b"fewer requests at once\n", {"Retry-After": str(math.ceil(wait))})
                return
            if names is not None and not is_called(self.headers.get_all("Host", ()), names):
                refusals.tell_of_many("for another name", self.client_address[0])
                self.say(400, _PLAIN, b"for another name\n")
                return
            self.say(*_ANSWERS.get(self.path, _answer_unknown)(health))

        def _refuse(self) -> None:
            refusals.tell_of_many("another method than GET", self.client_address[0])
            self.say(405, _PLAIN, b"GET only\n", {"Allow": "GET"})

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Whatever other method somebody thinks of."""
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self._refuse

        def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
            """A head that is none; what was sent is not in the line."""
            refusals.tell_of_many("no HTTP", self.client_address[0])
            super().send_error(code, message, explain)

    return Handler
