"""A reference receiver: what a recipient's own endpoint has to do, and what tests and the demo talk to."""

import hashlib
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import anyio
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from consumers.serving import LONGEST_WAIT_SECONDS, NAME, callers
from schemas.documents import json_value
from schemas.failures import Broken
from tocsin.runtime import metrics
from tocsin.runtime.endpoint import PATHS, answer
from tocsin.runtime.health import Health
from tocsin.runtime.pacing import Callers
from tocsin.runtime.privacy import private_folder, require_private_files
from tocsin.runtime.refusing import Refusals

MAX_BODY_BYTES: Final = 1_048_576
MOST_SECRETS: Final = 2
FOLDER: Final = "folder"
OPENAPI: Final = Path(__file__).with_name("receiver.openapi.json")
_STALE_SECONDS: Final = 1.0
"""The folder is tried at each question: an older proof that it takes files is none."""
_KEY_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")
_MAX_KEY: Final = 120
_JSON: Final = "application/json"
_LOG: Final = logging.getLogger(__name__)
_REFUSALS: Final = Refusals(NAME)


class Shelf:
    """Referrals as files named by their key: a key that is there already has no second effect."""

    def __init__(self, folder: Path) -> None:
        self._folder = private_folder(folder)
        require_private_files(folder)

    def keep(self, key: str, body: bytes) -> bool:
        """Keep a document durably; False where the key was known."""
        path = self._path(key)
        if path.exists():
            return False
        beside = path.with_name(f".{path.name}")
        with os.fdopen(os.open(beside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        beside.rename(path)
        return True

    def takes_files(self) -> bool:
        """Whether a referral could be kept now."""
        trial = self._folder / f".trial-{os.getpid()}"
        try:
            trial.touch(mode=0o600)
            trial.write_bytes(b"trial")
            trial.unlink()
        except OSError:
            return False
        return True

    def has(self, key: str) -> bool:
        """Whether a document of this key is there."""
        return self._path(key).exists()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.json"


class Receiver:
    """Verifies each post, keeps it by its key, answers by key."""

    def __init__(self, shelf: Shelf, secret: str) -> None:
        self.shelf = shelf
        self._webhooks = tuple(Webhook(one) for one in _secrets(secret))
        self._health = Health()
        self._health.expect(FOLDER, _STALE_SECONDS)

    async def post(self, request: Request) -> Response:
        """Take one referral."""
        if not _is_as_it_is(request):
            return _refused(request, "a body as it is: no Content-Encoding", 415, {"accept-encoding": "identity"})
        try:
            with anyio.fail_after(LONGEST_WAIT_SECONDS):
                body = await bounded_body(request)
        except TimeoutError:
            return _refused(request, f"the whole body within {LONGEST_WAIT_SECONDS:.0f} seconds", 408)
        if body is None:
            return _refused(request, f"at most {MAX_BODY_BYTES} bytes", 413)
        if not self._is_signed(request, body):
            return _refused(request, "the signature does not verify", 401)
        return await self._let_in(request, body)

    async def _let_in(self, request: Request, body: bytes) -> Response:
        key = request.headers["webhook-id"]
        if not _is_key(key):
            return _refused(request, "the webhook-id is no key", 400)
        if not _is_what_it_says(request.headers.get("content-type", _JSON), body):
            return _refused(request, f"a body of its type: {', '.join(TYPES)}", 415)
        answered = await self.take(key, body)
        _tell(request, "taken", key)
        return answered

    async def look(self, request: Request) -> Response:
        """Say whether a referral is here, to whoever may send it."""
        key = request.path_params["key"]
        if request.headers.get("webhook-id") != key or not self._is_signed(request, b""):
            return _refused(request, "the signature does not verify", 401)
        _tell(request, "looked_up", key)
        return JSONResponse({"key": key}, 200 if _is_key(key) and self.shelf.has(key) else 404)

    async def describe(self, _: Request) -> Response:
        """Say what is answered here."""
        return Response(OPENAPI.read_bytes(), 200, media_type="application/json")

    def _is_signed(self, request: Request, body: bytes) -> bool:
        return any(_verifies(webhook, body, request) for webhook in self._webhooks)

    async def watch(self, request: Request) -> Response:
        """Say what it counts, that it lives, and whether it could keep a referral."""
        if self.shelf.takes_files():
            self._health.beat(FOLDER, time.monotonic())
        status, content_type, body = answer(request.url.path, self._health)
        return Response(body, status, {"content-type": content_type})

    async def take(self, key: str, body: bytes) -> Response:
        """Keep what was verified, and say whether it was new."""
        with metrics.timed(NAME):
            is_new = self.shelf.keep(key, body)
        metrics.record_left(NAME, "kept" if is_new else "known")
        return JSONResponse({"known": not is_new, "sha256": hashlib.sha256(body).hexdigest()})


Answers = Callable[[Request], Awaitable[Response]]


def application(folder: Path, secret: str, paces: Callers | None = None) -> Starlette:
    """The receiver as an ASGI application.

    `secret` is one, or two with white space between them while one takes the place of the other; raises Broken for
    none and for more.
    """
    return routed(Receiver(Shelf(folder), secret), paces)


def routed(receiver: Receiver, paces: Callers | None = None) -> Starlette:
    """This receiver behind the paths of its document."""
    referring, watching = paces or callers(), callers()  # who posts does not keep away who watches
    routes: list[tuple[str, Answers, str]] = [
        ("/referrals", _paced(referring, receiver.post), "POST"),
        ("/referrals/{key}", _paced(referring, receiver.look), "GET"),
        ("/openapi.json", _paced(watching, receiver.describe), "GET"),
        *((path, _paced(watching, receiver.watch), "GET") for path in PATHS),
    ]
    made = Starlette(routes=[Route(path, endpoint, methods=[method]) for path, endpoint, method in routes])
    made.router.redirect_slashes = False  # it would lead to whatever the Host header says
    return made


def _paced(paces: Callers, answers: Answers) -> Answers:
    async def answered(request: Request) -> Response:
        wait = paces.wait_seconds(_caller(request), time.monotonic())
        if not wait:
            return await answers(request)
        metrics.record_left(NAME, "paced")
        _REFUSALS.tell_of_many("above its pace", _caller(request))
        return JSONResponse({"problem": "fewer requests at once"}, 429, {"retry-after": str(math.ceil(wait))})

    return answered


def _secrets(text: str) -> Sequence[str]:
    found = text.split()
    if not 1 <= len(found) <= MOST_SECRETS:
        facts = f"One secret was expected, or {MOST_SECRETS} while one replaces the other, found {len(found)}."
        raise Broken(f"{facts} Write each on a line of its own.", code="delivery.secret")
    return found


def _verifies(webhook: Webhook, body: bytes, request: Request) -> bool:
    try:
        webhook.verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True


def _caller(request: Request) -> str:
    return request.client.host if request.client else ""


def _tell(request: Request, outcome: str, key: str) -> None:
    facts = {"stage": NAME, "outcome": outcome, "caller": _caller(request), "referral_id": key if _is_key(key) else ""}
    _LOG.info("a signed request", extra={"facts": facts})


def _refused(request: Request, problem: str, status: int, more: Mapping[str, str] | None = None) -> Response:
    metrics.record_left(NAME, "refused")
    _REFUSALS.tell(problem, _caller(request))
    return JSONResponse({"problem": problem}, status, more)


def _is_as_it_is(request: Request) -> bool:
    """Nothing is unpacked here, so that nothing becomes larger than its bound; what says it is packed is not kept."""
    said = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    return {one.strip() for one in said} <= {"", "identity"}


def _is_what_it_says(content_type: str, body: bytes) -> bool:
    try:
        TYPES[content_type.partition(";")[0].strip().lower()](body)
    except (KeyError, ValueError):  # of msgspec and of UTF-8, too
        return False
    return True


def _text(body: bytes) -> str:
    text = body.decode("utf-8")
    if "\0" in text:
        raise ValueError("text was expected, found a NUL.")
    return text


TYPES: Final[Mapping[str, Callable[[bytes], object]]] = {_JSON: json_value, "text/csv": _text}
"""What a referral may be, and what reads it as such; whatever else comes is not kept."""


async def bounded_body(request: Request) -> bytes | None:
    """The body; None where it is longer than a referral may be."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def _is_key(key: str) -> bool:
    """A key becomes a file name, so nothing else is let through."""
    return 0 < len(key) <= _MAX_KEY and _KEY_SIGNS.issuperset(key)
