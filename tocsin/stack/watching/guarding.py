"""What stands before the ops page: who asks too often, or sends what a page has no use for, is sent away (ADR 41)."""

import math
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from consumers.serving import Impatient, server_of
from tocsin.runtime.loopback import CALLED, is_called
from tocsin.runtime.pacing import Callers, pace
from tocsin.runtime.refusing import Refusals

PER_SECOND, AT_ONCE = 10.0, 60.0
"""Of one caller, and twice that together: a page is a few requests, and asks Prometheus for each of its panels."""
MOST_TARGET_BYTES: Final = 1_024
"""Of path and query: the longest that means something has a member's name and a number of hours."""
NAME: Final = "ops"
OPENAPI: Final = Path(__file__).with_name("ops.openapi.json")
_ANOTHER_NAME: Final = "for another name: name it to tocsin ops, by --host"
_HERE: Final = frozenset({"same-origin", "none"})
_CONTENT: Final = "content-security-policy"
_NO_PAGE: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; sandbox"
"""Of whatever is no page: a browser that is led there shows text, and runs nothing."""
_EACH: Final[Mapping[str, str]] = {
    _CONTENT: _NO_PAGE,
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
_STAY_ENCRYPTED: Final = ("strict-transport-security", "max-age=31536000; includeSubDomains")
_REFUSALS: Final = Refusals(NAME)


class Guard:
    """The application behind it, and what each answer has to say to a browser."""

    def __init__(self, application: ASGIApp, paces: Callers, names: Collection[str]) -> None:
        self._application = application
        self._paces = paces
        self._named = frozenset(names) - CALLED
        self._names = CALLED.union(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or let the application answer."""

        async def said(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._said_to(scope):
                    headers.setdefault(name, value)
            await send(message)

        answers = self._refusal(scope) or self._application
        await answers(scope, receive, said)

    def _said_to(self, scope: Scope) -> Iterator[tuple[str, str]]:
        """Over TLS, a browser is told to come by TLS alone, but not to a name of its own machine.

        That would bind whatever else answers there, on each port. A proxy says by X-Forwarded-Proto that it speaks TLS.
        """
        yield from _EACH.items()
        hosts = Headers(scope=scope).getlist("host")
        if scope["scheme"] == "https" and hosts and is_called(hosts, self._named):
            yield _STAY_ENCRYPTED

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        caller = scope["client"][0] if scope.get("client") else ""
        wait = self._paces.wait_seconds(caller, time.monotonic())
        if wait:
            more = {"retry-after": str(math.ceil(wait))}
            return _refused(caller, "above its pace", PlainTextResponse("fewer requests at once\n", 429, more))
        for is_so, why, status in ((self._is_for_another_name, _ANOTHER_NAME, 400), *_REASONS):
            if is_so(scope):
                return _refused(caller, why, PlainTextResponse(f"{why}\n", status))
        return None

    def _is_for_another_name(self, scope: Scope) -> bool:
        return not is_called(Headers(scope=scope).getlist("host"), self._names)


def _is_long(scope: Scope) -> bool:
    return len(scope.get("raw_path") or scope["path"].encode()) + len(scope["query_string"]) > MOST_TARGET_BYTES


def _has_a_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _is_for_another_page(scope: Scope) -> bool:
    """A browser says so itself: somebody may be led here, but no page elsewhere may take a part of this one."""
    headers = Headers(scope=scope)
    is_led = headers.get("sec-fetch-mode", "navigate") == "navigate"
    return headers.get("sec-fetch-site", "none") not in _HERE and not is_led


_REASONS: Final[tuple[tuple[Callable[[Scope], bool], str, int], ...]] = (
    (_is_long, "an address that is too long", 414),
    (_has_a_body, "no body is read here", 413),
    (_is_for_another_page, "for another page", 403),
)


def _refused(caller: str, why: str, answer: PlainTextResponse) -> PlainTextResponse:
    _REFUSALS.tell_of_many(why, caller)
    return answer


class _Impatient(Impatient):
    """As at the receiver; its lines in the log are the page's."""

    refusals = _REFUSALS


def guarded(application: Starlette, paces: Callers | None = None, names: Collection[str] = ()) -> Guard:
    """The page behind its bounds, for whoever calls it by a name of this machine, or by one of these."""
    application.router.redirect_slashes = False  # it would lead to whatever the Host header says
    return Guard(application, paces or _callers(), names)


def guarded_server(application: Starlette, paces: Callers | None = None, names: Collection[str] = ()) -> uvicorn.Server:
    """A server for the page, which says nothing of what it is made of and waits for nobody for long."""
    return server_of(guarded(application, paces, names), _Impatient)


def _callers() -> Callers:
    return Callers(each=pace(PER_SECOND, AT_ONCE), together=pace(2 * PER_SECOND, 2 * AT_ONCE))
