"""The doors that bytes of strangers come through, each as a function that ends well or with a failure of ours."""

import asyncio
import io
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

import httpx

from consumers import settings as delivery
from consumers.answers import parse, read_csv, read_json_lines
from consumers.receiver import application
from processors.intake import Door
from producers.feeds.table import FEEDS, Feed, feed_of
from schemas.failures import Failure
from schemas.records.identifiers import MemberId
from tests.builders.drafts import CONTEXT
from tests.builders.policy import with_member
from tests.builders.reports import NOON_MS
from tests.builders.sinks import SECRET
from tocsin.policy.bundle import load
from tocsin.policy.store.trust import read_trust
from tocsin.runtime import settings
from tocsin.runtime.registry import FixedDirectory, RecordCodec
from tocsin.runtime.transport.slices import RawRecord

CORPUS: Final = Path(__file__).with_name("corpus")
MEMBER: Final = MemberId("plat-a")
SAMPLE: Final = Path(load.__code__.co_filename).with_name("sample")
POLICY_FILES: Final = (
    *("members.toml", "routing.toml", "sharing.toml", "priority.toml", "labels.toml", "bases.toml"),
    *("identity.toml", "retention.toml", "jurisdictions/de.toml", "profiles/plat-a.toml"),
)
COUNTRIES: Final = frozenset({"de", "fr", "gb", "nl", "us", "xi"})
"""Of the sample's members."""
Target = Callable[[bytes], None]


@cache
def _door() -> Door:
    codec = RecordCodec(FixedDirectory())
    return Door(member=MEMBER, bundle=with_member(MEMBER, signs=False, seals=False), codec=codec)


def codec(data: bytes) -> None:
    """A value on a member's topic, through the whole door: frame, Avro, screening, the checks of its fields."""
    _door().admit(RawRecord(offset=0, timestamp_ms=NOON_MS, key=b"k", value=data, headers=()))


def feed(chosen: Feed, data: bytes) -> None:
    """A file in one format, read to its end."""
    for _ in chosen.read(io.BytesIO(data), CONTEXT):
        pass


def recognised(data: bytes) -> None:
    """A file whose format nobody named."""
    feed_of(data)


def answers(data: bytes) -> None:
    """A file of answers, as a table and as JSON lines, each line made into an answer."""
    for read in (read_csv, read_json_lines):
        lines = read(data)
        for line in lines if isinstance(lines, list) else ():
            parse(line)


def receiver(data: bytes) -> None:
    """A request to the reference receiver: method, path, id, time and signature, a line each, and the body."""
    method, path, key, at, signature, body = (*data.split(b"\n", 5), *[b""] * 6)[:6]
    said = {b"webhook-id": key, b"webhook-timestamp": at, b"webhook-signature": signature}
    headers = {name: value for name, value in said.items() if value}
    asyncio.run(_ask(method.hex()[:6] if method not in _METHODS else method.decode(), path, headers, body))


_ADDRESS: Final = "http://receiver.example.test"
_METHODS: Final = (b"GET", b"POST", b"PUT", b"HEAD")


async def _ask(method: str, path: bytes, headers: dict[bytes, bytes], body: bytes) -> None:
    transport = httpx.ASGITransport(_receiver())
    async with httpx.AsyncClient(transport=transport, base_url=_ADDRESS) as client:
        url = f"/{quote(path, safe='/%')}"
        answer = await client.request(method, f"{_ADDRESS}{url}", headers=headers, content=body)
    is_open = url in {"/live", "/ready", "/metrics", "/openapi.json"} and method in {"GET", "HEAD"}
    assert is_open or 400 <= answer.status_code < 500, f"nothing unsigned is taken, nothing breaks: {answer}"


@cache
def _receiver() -> httpx._transports.asgi._ASGIApp:
    return application(Path(tempfile.mkdtemp(prefix="tocsin-fuzz-")), SECRET)


def files(data: bytes) -> None:
    """A settings file, a delivery file and whom the policy store believes: the same bytes as each."""
    file = _folder() / "file.toml"
    file.write_bytes(data)
    for read in (settings.load, partial(delivery.load, state=file.parent), read_trust):
        with suppress(Failure):
            read(file)


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="tocsin-fuzz-"))


def policy(data: bytes) -> None:
    """A file of a bundle that somebody edited: the first byte says which."""
    folder, name = _bundle(), POLICY_FILES[data[0] % len(POLICY_FILES)] if data else POLICY_FILES[0]
    (folder / name).write_bytes(data[1:])
    try:
        load(folder)
    finally:
        shutil.copyfile(SAMPLE / name, folder / name)


@cache
def _bundle() -> Path:
    """The sample without most of its countries: what is read anew for every input is what an input takes."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-fuzz-")) / "policy"
    shutil.copytree(SAMPLE, folder)
    for file in (folder / "jurisdictions").iterdir():
        if file.stem not in COUNTRIES:
            file.unlink()
    return folder


TARGETS: Final[Mapping[str, Target]] = {
    "codec": codec,
    **{f"feed-{chosen.name}": partial(feed, chosen) for chosen in FEEDS},
    "recognise": recognised,
    "answers": answers,
    "receiver": receiver,
    "policy": policy,
    "settings": files,
}


def run(name: str, data: bytes) -> None:
    """One input through one door; a failure of ours is an answer, everything else is a fault."""
    try:
        TARGETS[name](data)
    except Failure:
        return
