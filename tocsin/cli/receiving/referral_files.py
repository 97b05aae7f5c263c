"""Referrals as a sink or a screen wrote them in JSON, read back for whoever checks them."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from consumers.formats.referral_json import referral_of
from schemas.codec import UnwritableRecord
from schemas.failures import Refused
from schemas.records.referral import Referral

MOST_BYTES: Final = 256 * 1_048_576


def referrals_in(file: Path) -> Iterator[Referral]:
    """Those in one document of a sink, or one a line; raises Refused for anything else."""
    try:
        for written in _objects(_content(file)):
            yield referral_of(written)
    except (msgspec.MsgspecError, UnicodeDecodeError, UnwritableRecord) as error:
        raise Refused(
            f"{file.name}: expected referrals as JSON, as a sink gets them or `tocsin subscribe --json` shows them, "
            f"found {type(error).__name__}.",
            code="verify.file",
        ) from error


def _content(file: Path) -> bytes:
    content = sys.stdin.buffer.read(MOST_BYTES + 1) if str(file) == "-" else file.read_bytes()
    if len(content) > MOST_BYTES:
        raise Refused(f"{file.name}: at most {MOST_BYTES} bytes are read at once. Split it.", code="verify.file")
    return content


def _objects(content: bytes) -> Iterator[Any]:
    """What is in a document's envelope, or else every line."""
    try:
        whole = msgspec.json.decode(content)
    except msgspec.DecodeError:
        yield from msgspec.json.Decoder().decode_lines(content)
        return
    if isinstance(whole, dict) and whole.get("type") == "bundle":
        yield from whole.get("referrals", ())
    elif isinstance(whole, dict) and whole.get("type") == "notice":
        return  # it is about a referral, and none itself
    else:
        yield whole.get("referral", whole) if isinstance(whole, dict) else whole
