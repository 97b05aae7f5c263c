"""Signatures for tests that put records on a topic themselves, as a member's own program would."""

import time
from pathlib import Path

from msgspec import Struct

from schemas.headers import Headers
from schemas.records.identifiers import MemberId
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.settings import load


def a_signer(settings_file: Path) -> Signer:
    """The signer of whoever a local stack wrote this settings file for."""
    settings = load(settings_file)
    assert settings.trust is not None
    return Signer(settings.trust, MemberId(settings.principal), lambda: time.time_ns() // 1_000_000)


def signed(settings_file: Path, record_type: type[Struct], value: bytes) -> Headers:
    """The headers that sign one framed value."""
    return a_signer(settings_file).headers(record_type, value)
