"""`tocsin top`: the same panels in a terminal, or where there is none."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from tests.builders.waiting import a_free_port, until
from tocsin.stack.watching.asking import Answers, Period, Series
from tocsin.stack.watching.panels import GROUPS
from tocsin.stack.watching.terminal import MOST_LINES, SHOWN, frame, sparkline

PERIOD = Period(until_seconds=1_790_000_000.0, hours=1)
PANELS = [panel for group in SHOWN for panel in group.panels]
EMPTY: Answers = {panel.title: () for panel in PANELS}


def told(answers: Answers) -> str:
    console = Console(file=io.StringIO(), width=110, color_system=None)
    console.print(frame(answers, PERIOD))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def rows(answers: Answers) -> Mapping[str, str]:
    """Of each panel, by its title, the word at the end of its line."""
    lines = told(answers).splitlines()
    return {panel.title: next(line for line in lines if line.strip().startswith(panel.title)) for panel in PANELS}


def line(name: str, *values: float) -> Series:
    return Series(name=name, points=tuple((float(at), value) for at, value in enumerate(values)))


def test_promises_flow_and_what_waits_are_those_of_the_ops_page() -> None:
    assert [group.title for group in SHOWN] == ["Promises", "Flow", "What waits"]
    assert all(group in GROUPS for group in SHOWN)
    assert rows(EMPTY).keys() == {panel.title for panel in PANELS}


def test_what_is_broken_kept_or_unknown_says_so_in_words() -> None:
    found = rows(
        dict(EMPTY)
        | {"Late recalls": (line("x", 2),), "Urgent without a recipient": (line("x", 0),), "Records by stage": None}
    )
    assert "NOT AS PROMISED" in found["Late recalls"]
    assert "as promised" in found["Urgent without a recipient"]
    assert "no answer" in found["Records by stage"]
    assert "no data" in found["What triage decided"]
    assert "did not answer for 1 panels" in told(dict(EMPTY) | {"Records by stage": None})


def test_a_panel_of_many_lines_shows_the_first_and_counts_the_others() -> None:
    many = tuple(line(f"stage-{number}", 1, 2) for number in range(MOST_LINES + 3))
    shown = told(dict(EMPTY) | {"Records by stage": many})
    assert f"stage-{MOST_LINES - 1}" in shown
    assert f"stage-{MOST_LINES} " not in shown
    assert "and 3 more" in shown


def test_a_name_that_somebody_chose_moves_no_cursor_and_colours_nothing() -> None:
    shown = told(dict(EMPTY) | {"Records by stage": (line("\x1b[2J[red]x", 1),)})
    assert "\x1b" not in shown
    assert "?[2J[red]x" in shown


def test_bars_lie_between_nothing_and_the_highest() -> None:
    assert sparkline(line("x", 0, 4, 8)) == "▁▅█"
    assert sparkline(line("x", 0, 0)) == "▁▁"


@pytest.fixture
def prometheus() -> Iterator[str]:
    """Answers every question with one value."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            now = time.time()
            one = {"metric": {"stage": "triage"}, "value": [now, "0"], "values": [[now, "0"]]}
            body = json.dumps({"status": "success", "data": {"result": [one]}}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_without_a_terminal_it_is_one_frame_and_the_end(prometheus: str) -> None:
    for words in ((), ("--once",)):
        command = [sys.executable, "-m", "tocsin", "top", "--prometheus", prometheus, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603  # our own words
        assert "as promised" in done.stdout
        assert "\x1b" not in done.stdout
        assert done.stderr == ""


def test_a_prometheus_that_is_away_is_said_and_no_traceback() -> None:
    command = [sys.executable, "-m", "tocsin", "top", "--prometheus", f"http://127.0.0.1:{a_free_port()}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)  # noqa: S603  # our own words
    assert "no answer" in done.stdout
    assert done.stderr == ""


def test_in_a_terminal_it_goes_on_until_ctrl_c_and_leaves_the_terminal_as_it_was(prometheus: str) -> None:
    mine, its = pty.openpty()
    command = [sys.executable, "-m", "tocsin", "top", "--prometheus", prometheus, "--every-seconds", "1"]
    settings = os.environ | {"TERM": "xterm", "COLUMNS": "110", "LINES": "50"}
    child = subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=settings)  # noqa: S603  # our own words
    os.close(its)
    seen = bytearray()

    def frames() -> int:
        seen.extend(os.read(mine, 65_536))
        return seen.count(b"Promises: Is what we promised true?")

    until(lambda: frames() >= 2, what="it does not draw again")
    child.send_signal(signal.SIGINT)
    with suppress(OSError):  # the other end is closed: everything was read
        while chunk := os.read(mine, 65_536):
            seen.extend(chunk)
    assert child.wait(timeout=10) == 0
    os.close(mine)
    assert b"\x1b[?1049h" in seen
    assert seen.rstrip().endswith(b"\x1b[?25h") or b"\x1b[?1049l" in seen
    assert b"Traceback" not in seen
    assert b"Aborted" not in seen
