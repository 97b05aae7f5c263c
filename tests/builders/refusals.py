"""What an HTTP surface of ours wrote into its log, and more connections at once than it has places for."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import pytest

from tocsin.runtime.logs import JsonLines

REFUSING: Final = "tocsin.runtime.refusing"


def told(caplog: pytest.LogCaptureFixture, *loggers: str) -> list[dict[str, str]]:
    """What the log has by now of refusals, and of these loggers, as it would be written."""
    own = [record for record in caplog.records if record.name in {REFUSING, *loggers}]
    return [json.loads(JsonLines().format(record)) for record in own]


def waited_for(caplog: pytest.LogCaptureFixture, why: str) -> dict[str, str]:
    """The first refusal for that reason; another thread writes it."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        for line in told(caplog):
            if line["why"] == why:
                return line
        time.sleep(0.01)
    pytest.fail(f"{why} was not told")


@contextmanager
def connected(place: tuple[str, int], times: int) -> Iterator[None]:
    """So many connections at once, which say nothing."""
    with ExitStack() as held:
        for _ in range(times):
            held.enter_context(socket.create_connection(place))
        yield
