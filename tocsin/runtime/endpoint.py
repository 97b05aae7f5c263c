"""The one HTTP port of a process: /metrics, /live and /ready."""

import contextlib
import math
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.metrics import REGISTRY, record_left
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.room import show_room
from tocsin.runtime.settings import MetricsTls, Settings
from tocsin.runtime.tls import serving

_HANDSHAKE_SECONDS: Final = 5.0
LONGEST_CONNECTION_SECONDS: Final = 10.0
MOST_CONNECTIONS: Final = 32
PER_SECOND, AT_ONCE = 50.0, 100.0
"""Of one caller; a scraper and a prober ask once in seconds. All callers together have four times that."""
_PLAIN = "text/plain; charset=utf-8"
_NOTHING: Final[Mapping[str, str]] = {}


class Endpoint:
    """Serves until closed; `port` is the one in use, also where 0 was asked for."""

    def __init__(
        self, health: Health, host: str, port: int, tls: MetricsTls | None = None, *, paces: Callers | None = None
    ) -> None:
        context = serving(tls.certificate, tls.key, tls.ca) if tls else None
        try:
            self._server = _Server((host, port), _handler(health, paces or _callers()), context)
        except OSError as error:
            raise Broken(
                f"Port {port} on {host} cannot be opened for metrics ({error.strerror}). Choose another metrics_port.",
                code="endpoint.port_in_use",
            ) from error
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, name="endpoint", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def endpoint_of(settings: Settings, health: Health) -> Endpoint | None:
    """The endpoint that the settings ask for, at their named address; None where they ask for none."""
    if not settings.metrics_port:
        return None
    show_room(settings.state)
    return Endpoint(health, settings.metrics_host, settings.metrics_port, settings.metrics_tls)


class _Server(ThreadingHTTPServer):
    """Handshakes in the thread of each connection: a silent client holds up nobody."""

    request_queue_size = 2 * MOST_CONNECTIONS

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None
    ) -> None:
        self._tls = tls
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(address, handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for each connection, for as many as there are places: one more is closed at once."""
        if not self._places.acquire(blocking=False):
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

    def handle_error(self, request: object, client_address: object) -> None:
        """Who shows no good certificate, or goes away, is no event of ours."""


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


def _handler(health: Health, paces: Callers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5
        """Seconds; a client that sends nothing cannot hold a thread."""
        server_version, sys_version = "tocsin", ""
        """Who asks is not told what it is made of."""
        error_content_type, error_message_format = _PLAIN, "%(code)d\n"

        def do_GET(self) -> None:
            if wait := paces.wait_seconds(self.client_address[0], time.monotonic()):
                record_left("endpoint", "paced")
                self._say(429, _PLAIN, b"fewer requests at once\n", {"Retry-After": str(math.ceil(wait))})
                return
            known = self.path in _ANSWERS
            self._say(*(answer(self.path, health) if known else (404, _PLAIN, b"not found\n")))

        def _refuse(self) -> None:
            self._say(405, _PLAIN, b"GET only\n", {"Allow": "GET"})

        def __getattr__(self, name: str) -> Callable[[], None]:
            """Whatever other method somebody thinks of."""
            if not name.startswith("do_"):
                raise AttributeError(name)
            return self._refuse

        def _say(self, status: int, content_type: str, body: bytes, more: Mapping[str, str] = _NOTHING) -> None:
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
            """A scrape is no event: nothing is logged."""

    return Handler
