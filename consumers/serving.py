"""How a receiver is served: whoever is slow, sends too much or too often is sent away, and the others are not."""

import asyncio
from typing import Any, Final

import uvicorn
from msgspec import Struct
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS: Final = 64
LONGEST_WAIT_SECONDS: Final = 10.0
"""For the head of a request, and again for its body: a megabyte in that time is a slow line, less is none."""
PER_SECOND, AT_ONCE = 500.0, 1_000.0
_HEADERS: Final = [("x-content-type-options", "nosniff"), ("cache-control", "no-store")]


class Pace(Struct):
    """How many requests are answered: a bucket that fills steadily and holds what may come at once."""

    per_second: float = PER_SECOND
    at_once: float = AT_ONCE
    left: float = AT_ONCE
    at_seconds: float = 0.0

    def wait_seconds(self, now_seconds: float) -> float:
        """Zero where one more is answered, which is then counted; else how long until one is."""
        gained = max(0.0, now_seconds - self.at_seconds) * self.per_second
        self.left, self.at_seconds = min(self.at_once, self.left + gained), now_seconds
        if self.left < 1:
            return (1 - self.left) / self.per_second
        self.left -= 1
        return 0.0


class Impatient(H11Protocol):
    """Closes a connection whose next request does not begin and end its head in time."""

    patience_seconds = LONGEST_WAIT_SECONDS
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        """Wait for the first head; one connection too many is closed at once."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()
        self._watch()

    def data_received(self, data: bytes) -> None:
        """A byte now and then is no head: the time runs on until the request is there."""
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._forget()
        elif self._due is None:
            self._due = self.loop.call_later(self.patience_seconds, self.transport.abort)

    def _forget(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def server_of(application: Starlette, protocol: type[asyncio.Protocol] = Impatient, **more: Any) -> uvicorn.Server:
    """A server for the receiver that says nothing of what it is made of."""
    config = uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_level="error",  # what strangers send is no event of ours
        access_log=False,
        server_header=False,
        headers=_HEADERS,
        **more,
    )
    return uvicorn.Server(config)
