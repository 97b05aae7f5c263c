"""Signatures for tests that put records on a topic themselves, as a member's own program would."""

import time
from pathlib import Path

from msgspec import Struct

from schemas.headers import Headers
from schemas.records.identifiers import MemberId
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.directory import Directory, RevocationReason
from tocsin.runtime.keys.files import Use
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


def superseded(directory: Directory) -> Directory:
    """The directory in which each member's newest key to sign is its only live one."""
    now_ms = time.time_ns() // 1_000_000
    for principal in {key.principal for key in directory.keys}:
        for key in directory.live(principal, Use.SIGN, now_ms)[:-1]:
            directory = changing.revoked(directory, key.key_id, RevocationReason.SUPERSEDED, now_ms)
    return directory
