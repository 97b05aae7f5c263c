"""The formats there are, and which one a file is in, by its content alone."""

from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from msgspec import Struct

from producers.feeds.csv import reader as csv_reader
from producers.feeds.entries import Context, Entry
from producers.feeds.jsonl import reader as jsonl_reader
from producers.feeds.xarf import reader as xarf_reader
from schemas.catalogue import message
from schemas.failures import Refused
from schemas.screening import scan_bytes

HEAD_BYTES: Final = 65_536
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
"""How spreadsheets begin what they call Unicode text."""


class Feed(Struct, frozen=True, kw_only=True):
    """One format: how it is recognised and read."""

    name: str
    recognise: Callable[[bytes], bool]
    read: Callable[[BinaryIO, Context], Iterator[Entry]]


FEEDS: Final = (
    Feed(name=xarf_reader.FORMAT, recognise=xarf_reader.recognise, read=xarf_reader.read),
    Feed(name=jsonl_reader.FORMAT, recognise=jsonl_reader.recognise, read=jsonl_reader.read),
    Feed(name=csv_reader.FORMAT, recognise=csv_reader.recognise, read=csv_reader.read),
)


def feed_of(head: bytes, name: str = "") -> Feed:
    """The feed for a file that starts so, or the one that was named; raises Refused where none fits."""
    for feed in FEEDS:
        if feed.name == name or (not name and feed.recognise(head)):
            return feed
    if head.startswith(_UTF_16):
        raise Refused(message("text.not_utf8"), code="text.not_utf8")
    finding = scan_bytes(head)
    code = finding.rule if finding else "feed.unknown_format"
    raise Refused(message(code, length=len(head)), code=code)
