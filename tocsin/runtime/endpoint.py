"""The one HTTP port of a process: /metrics, /live and /ready."""

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from tocsin.runtime.failures import Broken
from tocsin.runtime.health import Health
from tocsin.runtime.metrics import REGISTRY

_PLAIN = "text/plain; charset=utf-8"


class Endpoint:
    """Serves until closed; `port` is the one in use, also where 0 was asked for."""

    def __init__(self, health: Health, host: str, port: int) -> None:
        try:
            self._server = ThreadingHTTPServer((host, port), _handler(health))
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


def answer(path: str, health: Health) -> tuple[int, str, bytes]:
    """Status, content type and body of one of the paths; also for a process that has an HTTP server already."""
    return _ANSWERS[path](health)


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5
        """Seconds; a client that sends nothing cannot hold a thread."""

        def do_GET(self) -> None:
            known = self.path in _ANSWERS
            status, content_type, body = answer(self.path, health) if known else (404, _PLAIN, b"not found\n")
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            """A scrape is no event: nothing is logged."""

    return Handler
