"""What tests of running processes wait for, and where they listen."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
_LOOK_SECONDS = 0.3


def until(look: Callable[[], Found | None], seconds: float = 60, what: str = "it did not come to that") -> Found:
    """What `look` finds as soon as that is something; fails where it takes longer."""
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        assert time.monotonic() < deadline, what
        time.sleep(_LOOK_SECONDS)


def patiently(look: Callable[[], Found | None], seconds: float = 90) -> Found:
    """The same for what several processes have to do one after the other."""
    return until(look, seconds)


def a_free_port() -> int:
    """On loopback; another program may take it before it is used."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
