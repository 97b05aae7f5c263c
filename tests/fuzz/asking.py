"""The reference receiver as two doors: before its signature is looked at, and behind it."""

import asyncio
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx
from standardwebhooks import Webhook
from starlette.applications import Starlette

from consumers.receiver import application
from tests.builders.paces import at_will
from tests.builders.sinks import SECRET

_ADDRESS: Final = "http://receiver.example.test"
_METHODS: Final = (b"GET", b"POST", b"PUT", b"HEAD")
_OPEN: Final = frozenset({"/live", "/ready", "/metrics", "/openapi.json"})
_KEPT, _LOOKED, _REFUSED = 200, frozenset({200, 404}), frozenset({400, 401, 415})


def unsigned(data: bytes) -> None:
    """A request with whatever signature: method, path, id, time and signature, a line each, and the body."""
    method, path, key, at, signature, body = (*data.split(b"\n", 5), *[b""] * 6)[:6]
    said = {b"webhook-id": key, b"webhook-timestamp": at, b"webhook-signature": signature}
    headers = {name: value for name, value in said.items() if value}
    url, word = f"/{quote(path, safe='/%')}", method.hex()[:6] if method not in _METHODS else method.decode()
    answer = asyncio.run(_asked(word, url, headers, body))
    is_open = url in _OPEN and word in {"GET", "HEAD"}
    assert is_open or 400 <= answer.status_code < 500, f"nothing unsigned is taken, nothing breaks: {answer}"


def signed(data: bytes) -> None:
    """A post of somebody who has the secret, and then a look for it."""
    for file in _folder().iterdir():
        file.unlink()
    key, _, body = _parts(data)
    answer = posted(data)
    kept = [file.read_bytes() for file in _folder().iterdir()]
    assert answer.status_code in {_KEPT} | _REFUSED, f"taken, or refused for a reason: {answer}"
    assert kept == ([body] if answer.status_code == _KEPT else []), "what is taken is kept as it came, and nothing else"
    named = quote(key, safe="").replace(".", "%2E")  # or the client would take a dot for a folder
    looked = asyncio.run(_asked("GET", f"/referrals/{named}", _signature(key, b""), b""))
    assert looked.status_code in _LOOKED | _REFUSED, f"a look never breaks: {looked}"
    assert (looked.status_code == _KEPT) == bool(kept), "what was taken is found, and nothing else"


def posted(data: bytes) -> httpx.Response:
    """What is answered to a signed post: id and content type, a line each, and the body."""
    key, content_type, body = _parts(data)
    said = {b"content-type": content_type} if content_type else {}
    return asyncio.run(_asked("POST", "/referrals", _signature(key, body) | said, body))


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    key, content_type, body = (*data.split(b"\n", 2), *[b""] * 3)[:3]
    return key, content_type, body


def _signature(key: bytes, body: bytes) -> dict[bytes, bytes]:
    """Over what the receiver reads: a head is Latin-1. A body that is no text cannot be signed, and is refused."""
    now = datetime.now(UTC)
    made = Webhook(SECRET).sign(key.decode("latin-1"), now, body.decode("utf-8", "replace"))
    at = str(int(now.timestamp())).encode()
    return {b"webhook-id": key, b"webhook-timestamp": at, b"webhook-signature": made.encode()}


async def _asked(method: str, url: str, headers: dict[bytes, bytes], body: bytes) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(_receiver()), base_url=_ADDRESS) as client:
        return await client.request(method, f"{_ADDRESS}{url}", headers=headers, content=body)


@cache
def _receiver() -> Starlette:
    return application(_folder(), SECRET, at_will())  # or most inputs would meet the pace and nothing else


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))
