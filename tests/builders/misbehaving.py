"""The reference receiver, made to answer badly by POST /behaviour: for tests of a sender, and in no wheel."""

from collections import Counter
from pathlib import Path
from typing import Final

import anyio
import msgspec
from msgspec import Struct
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consumers.receiver import Receiver, Shelf, bounded_body, routed
from tocsin.runtime.pacing import Callers

_MAX_DELAY_SECONDS: Final = 60.0


class Behaviour(Struct, frozen=True, kw_only=True):
    """What the receiver does with the next posts, so that tests can see how a sender takes it."""

    status: int = 200
    delay_seconds: float = 0.0
    times: int = 0
    """How many posts; 0 means as it should be."""
    keeps: bool = False
    """Whether the referral is kept all the same: an answer that was lost on the way."""
    retry_after: str = ""
    """What the answer says of the next try."""


class Obedient(Receiver):
    """Behaves badly when it is told to."""

    _behaviour = Behaviour()

    def __init__(self, shelf: Shelf, secret: str) -> None:
        super().__init__(shelf, secret)
        self._met: Counter[str] = Counter()

    async def behave(self, request: Request) -> Response:
        """Be told how to answer the next posts."""
        try:
            self._behaviour = msgspec.json.decode(await bounded_body(request) or b"", type=Behaviour)
        except msgspec.DecodeError:
            return JSONResponse({"problem": "a behaviour as JSON"}, 400)
        return JSONResponse({})

    async def met(self, _: Request) -> Response:
        """How many posts were answered as it was told, by status."""
        return JSONResponse(dict(self._met))

    async def take(self, key: str, body: bytes) -> Response:
        """As it was told."""
        behaviour = self._behaviour
        if behaviour.times <= 0:
            return await super().take(key, body)
        self._behaviour = replace(behaviour, times=behaviour.times - 1)
        self._met[str(behaviour.status)] += 1
        if behaviour.keeps:
            self.shelf.keep(key, body)
        await anyio.sleep(min(behaviour.delay_seconds, _MAX_DELAY_SECONDS))
        headers = {"retry-after": behaviour.retry_after} if behaviour.retry_after else {}
        return JSONResponse({"told_to": behaviour.status}, behaviour.status, headers)


def obedient(folder: Path, secret: str, paces: Callers | None = None) -> Starlette:
    """The application, with the route by which tests tell it how to behave."""
    receiver = Obedient(Shelf(folder), secret)
    made = routed(receiver, paces)
    made.router.routes.append(Route("/behaviour", receiver.behave, methods=["POST"]))
    made.router.routes.append(Route("/behaviour", receiver.met, methods=["GET"]))
    return made
