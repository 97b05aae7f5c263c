"""Who stops a process that serves pages asks for nothing unusual: it ends with 0, and no manager sees a failure."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

GRACE_SECONDS = 10
"""Less than any manager of ours gives (40)."""
SERVING = {
    "receiver": ("receiver", "--home", "{home}", "--port", "0"),
    "ops": ("ops", "--port", "0"),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", SERVING)
def test_who_serves_pages_ends_with_0_when_it_is_stopped(name: str, number: signal.Signals, tmp_path: Path) -> None:
    words = [word.format(home=tmp_path) for word in SERVING[name]]
    program = [sys.executable, "-c", "from tocsin.cli.main import main; main()", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=tmp_path) as process:  # noqa: S603 -- ours
        try:
            assert process.stdout
            assert b"http://127.0.0.1:" in process.stdout.readline()
            process.send_signal(number)
            assert process.wait(GRACE_SECONDS) == 0
        finally:
            process.kill()
