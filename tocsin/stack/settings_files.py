"""The settings file of each principal, written by the stack for the processes that will run on it."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from schemas.catalogue import message
from schemas.failures import Broken
from schemas.topics import OPS, PROCESSES, TRIAGE, WATCHERS

if TYPE_CHECKING:
    from tocsin.stack.local import LocalStack

_DATABASE_USERS: Final = frozenset(PROCESSES)


def targets_of(home: Path) -> Path:
    """Where the processes of a home tell a Prometheus beside them which addresses they serve."""
    return home / "run" / "metrics"


def require_own(folder: Path) -> None:
    """Raise Broken where a settings file is of a cluster that `tocsin up` did not make: it would be written over."""
    for file in sorted(folder.glob("*.toml")):
        try:
            found = tomllib.loads(file.read_text("utf-8"))
        except ValueError:
            continue  # of nobody; `up` writes it anew
        if "kafka" in found and found.get("local_stack") is not True:
            raise Broken(message("stack.foreign_home", file=file.name), code="stack.foreign_home")


def write_settings(stack: "LocalStack", principal: str, policy: Path, trust: Path | None = None) -> None:
    """Write `<home>/config/<principal>.toml`, 0600, as tocsin.runtime.settings reads it."""
    state = stack.home / "state" / principal
    for folder in (state.parent, state):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = stack.config(principal)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.touch(mode=0o600)
    file.write_bytes(msgspec.toml.encode(_content(stack, principal, state, policy) | _trusted(trust)))


def _trusted(trust: Path | None) -> dict[str, Any]:
    return {"policy_trust": str(trust.resolve())} if trust else {}


def _content(stack: "LocalStack", principal: str, state: Path, policy: Path) -> dict[str, Any]:
    pair = stack.authority.pair(principal)
    content: dict[str, Any] = {
        "principal": principal,
        "state": str(state),
        "policy": str(policy.resolve()),
        "local_stack": True,
        "metrics_targets": str(targets_of(stack.home)),
        "kafka": {
            "bootstrap": stack.kafka.bootstrap,
            "ca": str(stack.authority.certificate),
            "certificate": str(pair.certificate),
            "key": str(pair.key),
        },
        "registry": {
            "url": stack.registry.url,
            "ca": str(stack.authority.certificate),
            "cache": str(state / "schemas"),
        },
    }
    if principal not in WATCHERS:
        content["trust"] = {
            "keys": str(stack.keys.folder(principal)),
            "directory": str(stack.keys.keeper.file),
            "keeper": str(stack.keys.keeper.key),
            **({"triage_keys": str(stack.keys.folder(TRIAGE))} if principal == OPS else {}),
        }
    if principal in _DATABASE_USERS:
        content["database"] = {
            "url": stack.postgres.url(principal),
            "password_file": str(stack.postgres.password_file(principal)),
            "ca": str(stack.authority.certificate),
        }
    return content
