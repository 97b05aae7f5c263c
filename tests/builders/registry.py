"""A schema registry of two questions, for tests that need none of the real one's manners."""

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any


class SmallRegistry:
    """The two questions of Confluent's registry API, on loopback."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.ids = {text: number for number, text in enumerate(texts.values(), start=101)}
        self.status = 200
        self.asked = 0
        self._server = HTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/apis/ccompat/v7"
        threading.Thread(target=lambda: self._server.serve_forever(poll_interval=0.01), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, text: str) -> int:
        return self.ids.setdefault(text, 101 + len(self.ids))

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        self.asked += 1
        if self.status != 200:
            return self.status, {}
        if "/schemas/ids/" in path:
            wanted = int(path.rpartition("/")[2])
            found = [text for text, number in self.ids.items() if number == wanted]
            return (200, {"schema": found[0]}) if found else (404, {})
        number = self.ids.get(json.loads(body)["schema"])
        return (200, {"id": number}) if number else (404, {})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._reply(b"")

            def do_POST(self) -> None:
                self._reply(self.rfile.read(int(self.headers["Content-Length"])))

            def _reply(self, body: bytes) -> None:
                status, answer = registry.answer(self.path, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

        return Handler
