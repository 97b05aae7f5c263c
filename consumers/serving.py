"""How a receiver is served: whoever is slow, sends too much or too often is sent away, and the others are not."""

import asyncio
import signal
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.refusing import Refusals
from tocsin.runtime.tls import answering

MOST_CONNECTIONS: Final = 64
LONGEST_WAIT_SECONDS: Final = 10.0
"""For the head of a request, and again for its body: a megabyte in that time is a slow line, less is none."""
PER_SECOND, AT_ONCE = 500.0, 1_000.0
NAME: Final = "receiver"
_HEADERS: Final = [("x-content-type-options", "nosniff"), ("cache-control", "no-store")]


def callers() -> Callers:
    """No address has more than half of what all have together: a stranger cannot keep the sender away."""
    return Callers(each=pace(PER_SECOND / 2, AT_ONCE / 2), together=pace(PER_SECOND, AT_ONCE))


class Impatient(H11Protocol):
    """Closes a connection whose next request does not begin and end its head in time."""

    patience_seconds = LONGEST_WAIT_SECONDS
    refusals = Refusals(NAME)
    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent has it
        """Wait for the first head; one connection too many is closed at once."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._cut("one connection too many")
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
            self._due = self.loop.call_later(self.patience_seconds, self._cut, "no head of a request in time")

    def _cut(self, why: str) -> None:
        self.refusals.tell_of_many(why, self.client[0] if self.client else "")
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """A head that is none; what was sent is not in the line."""
        self.refusals.tell_of_many("no HTTP", self.client[0] if self.client else "")
        super().send_400_response(msg)

    def _forget(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None


def server_of(application: ASGIApp, protocol: type[asyncio.Protocol] = Impatient, **more: Any) -> uvicorn.Server:
    """A server, of the receiver and of the ops page, that says nothing of what it is made of.

    A proxy on this machine says whose request it hands on (X-Forwarded-For); one that is elsewhere is a caller itself.
    """
    config = uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        lifespan="off",
        log_level="error",  # what strangers send is told of by Refusals, without what they sent
        access_log=False,
        server_header=False,
        headers=_HEADERS,
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1",
        **more,
    )
    return uvicorn.Server(config)


def over_tls(server: uvicorn.Server, certificate: Path | None, key: Path | None) -> uvicorn.Server:
    """The same server, which speaks TLS alone where it is given a pair; raises Broken where that cannot be used."""
    if certificate and key:
        server.config.load()
        server.config.ssl = answering(certificate, key)
    return server


def heeding_signals(server: uvicorn.Server) -> uvicorn.Server:
    """The same server, which SIGTERM and SIGINT stop once it answered what was begun: its process ends with 0.

    Of the main thread alone. uvicorn raises the signal that stopped it once more when it is done, for whoever handled
    it before: that is the server too, so that a signal which comes before it listens is not lost either.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, server.handle_exit)
    return server
