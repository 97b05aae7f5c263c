"""A real Alertmanager with the routes of deploy/ and a web hook behind each receiver; and the rules, impatient."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus"
ROUTES = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"


def impatient(folder: Path) -> str:
    """All rules of deploy/, as they are but for their patience; the pattern by which Prometheus finds them."""
    folder.mkdir()
    for file in RULES.glob("*.yml"):
        (folder / file.name).write_text(re.sub(r"for: \d+m", "for: 2s", file.read_text("utf-8")), "utf-8")
    return f"{folder}/*.yml"


def routes(file: Path, hook: str) -> Path:
    """The routes of deploy/ with a web hook behind each receiver, told a second after the first alert."""
    text = re.sub(r"group_wait: \d+s", "group_wait: 1s", ROUTES.read_text("utf-8"))
    text = text.replace("  group_by:", "  group_wait: 1s\n  group_interval: 1s\n  group_by:", 1)
    behind = rf"  - name: \1\n    webhook_configs:\n      - url: {hook}/\1"
    hooked = re.sub(r"^  - name: (\S+)$", behind, text, flags=re.MULTILINE)
    file.write_text(hooked, "utf-8")
    return file


@contextmanager
def a_web_hook() -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """Its address, and what came: the receiver and each alert."""
    came: list[tuple[str, dict[str, Any]]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["content-length"])))
            came.extend((self.path.strip("/"), alert) for alert in told["alerts"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", came
    finally:
        server.shutdown()
        server.server_close()
