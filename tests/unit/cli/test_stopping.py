"""Who stops a process that serves pages asks for nothing unusual: it ends with 0, and no manager sees a failure.

Those of the exchange are stopped in tests/integration/test_stopping.py.
"""

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.builders.standing import EXCHANGE, ON_A_TERMINAL, PAGES
from tocsin.cli.main import tocsin

GRACE_SECONDS = 10
"""Less than any manager of ours gives (40)."""
GOING_ON = {"--every-seconds", "--follow", "--metrics-port", "--port", "--serve"}
"""What only a command takes that does not end by itself."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", PAGES)
def test_who_serves_pages_ends_with_0_when_it_is_stopped(name: str, number: signal.Signals, tmp_path: Path) -> None:
    words = [word.format(home=tmp_path) for word in PAGES[name]]
    program = [sys.executable, "-c", "from tocsin.cli.main import main; main()", *words]
    with subprocess.Popen(program, stdout=subprocess.PIPE, cwd=tmp_path) as process:  # noqa: S603 -- ours
        try:
            assert process.stdout
            assert b"http://127.0.0.1:" in process.stdout.readline()
            process.send_signal(number)
            assert process.wait(GRACE_SECONDS) == 0
        finally:
            process.kill()


def test_every_command_that_goes_on_until_it_is_stopped_is_in_the_tables() -> None:
    context = click.Context(tocsin)
    found = {name for name in tocsin.list_commands(context) if options_of(context, name) & GOING_ON}
    assert found == {words[0] for words in (*EXCHANGE.values(), *PAGES.values())} | ON_A_TERMINAL


def options_of(context: click.Context, name: str) -> set[str]:
    command = tocsin.get_command(context, name)
    assert command is not None
    return {option for parameter in command.params for option in parameter.opts}
