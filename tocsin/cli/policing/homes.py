"""Which policy a home has, and a bundle as people name it: a folder, or the beginning of a digest."""

import time
from datetime import datetime
from pathlib import Path

import click
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.policy.policies import Policies, policies
from tocsin.policy.store.folder import Store, is_store
from tocsin.policy.store.trust import Trust, read_trust
from tocsin.runtime.settings import load as load_settings

HOME = click.option(
    "--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True
)


class Kept(Struct, frozen=True, kw_only=True):
    """The store of a home, and whom it is believed by."""

    store: Store
    trust: Trust


def now_ms() -> int:
    """The wall clock."""
    return time.time_ns() // 1_000_000


def instant_ms(written: str) -> int:
    """An instant with its offset; a time without one would be guessed."""
    try:
        instant = datetime.fromisoformat(written)
    except ValueError as error:
        raise Refused(message("promotion.instant"), code="promotion.instant") from error
    if instant.tzinfo is None:
        raise Refused(message("promotion.instant"), code="promotion.instant")
    return int(instant.timestamp() * 1000)


def rules_of(home: Path) -> Policies:
    """What a home decides by; the sample where there is no home."""
    settings = home / "config" / "triage.toml"
    if not settings.exists():
        return policies(SAMPLE)
    process = load_settings(settings)
    return policies(process.policy, process.policy_trust)


def kept(home: Path) -> Kept:
    """The store of a home; raises Refused where it decides by a plain bundle."""
    process = load_settings(home / "config" / "ops.toml")
    if not is_store(process.policy) or process.policy_trust is None:
        raise Refused(message("promotion.no_store"), code="promotion.no_store")
    return Kept(store=Store(process.policy), trust=read_trust(process.policy_trust))


def bundle_named(name: str, home: Path) -> Bundle:
    """A folder, or a digest of the home's store (its beginning is enough); nothing means the bundle in force."""
    if not name:
        return rules_of(home).at(now_ms())
    if Path(name).is_dir():
        return load(Path(name))
    store = kept(home).store
    found = [digest for digest in store.digests() if digest.startswith(name)]
    if len(found) != 1:
        raise Refused(message("promotion.no_such", name=name, found=len(found)), code="promotion.no_such")
    return store.bundle(found[0])
