"""`tocsin provision`: policy, tables, schemas, topics and access rules, on servers that are there already."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click
from msgspec import Struct

from schemas.failures import Refused
from schemas.topics import OPS
from tocsin.policy.bundle import SAMPLE
from tocsin.policy.policies import policies, topics_of
from tocsin.policy.store.folder import Store
from tocsin.policy.store.trust import FIRST_TRUST, read_trust
from tocsin.runtime.migrating import migrate
from tocsin.runtime.privacy import require_private, write_private
from tocsin.runtime.registry import subjects
from tocsin.runtime.settings import Settings, load
from tocsin.runtime.tls import verifying
from tocsin.stack.membership import barred_now
from tocsin.stack.provision import Provisioner, register_schemas

_SAMPLE: Final = "sample"


class Wanted(Struct, frozen=True, kw_only=True):
    """Where things are made, and what only the first time needs."""

    settings: Settings
    first: Path | None = None
    """The bundle that the exchange begins with."""
    password_file: Path | None = None


def _policy(wanted: Wanted) -> str:
    settings = wanted.settings
    if wanted.first is None or settings.policy_trust is None:
        return "as it is"
    digest = Store(settings.policy).add(wanted.first).digest
    if not settings.policy_trust.exists():
        write_private(settings.policy_trust, FIRST_TRUST.format(digest=digest).encode())
    if (trusted := read_trust(settings.policy_trust).first) != digest:
        raise Refused(
            f"{settings.policy_trust.name} was expected to name {digest[:16]} as the first bundle, and names "
            f"{trusted[:16]}. The first bundle stays for ever; rules change by: tocsin policy promote",
            code="promotion.promote_instead",
        )
    return f"begins with {digest[:16]}"


def _tables(wanted: Wanted) -> str:
    migrate(wanted.settings)
    return "those of this version"


def _schemas(wanted: Wanted) -> str:
    registry, writer = wanted.settings.registry, None
    if wanted.password_file is not None:
        require_private(wanted.password_file)
        writer = (OPS, wanted.password_file.read_text("utf-8").strip())
    register_schemas(registry.url, writer, subjects(), verifying(registry.ca))
    return f"{len(subjects())} in the registry"


def _topics(wanted: Wanted) -> str:
    settings = wanted.settings
    rules = policies(settings.policy, settings.policy_trust)
    provisioner = Provisioner(settings.kafka.client())
    plan = provisioner.plan(topics_of(rules.from_now_on(int(time.time() * 1000))), barred_now(settings))
    provisioner.apply(plan)
    return f"{len(plan.missing_topics)} made, and {len(plan.missing_grants)} access rules"


_PARTS: Final[Mapping[str, Callable[[Wanted], str]]] = {
    "policy": _policy,
    "tables": _tables,
    "schemas": _schemas,
    "topics": _topics,
}
"""In the order in which each needs the one before: who is barred stands in the tables."""


@click.command(name="provision")
@click.option("--only", type=click.Choice(list(_PARTS)), multiple=True, help="Leave the rest; can be said again.")
@click.option("--first-policy", type=click.Path(path_type=Path), help="The first bundle; `sample` for the sample.")
@click.option(
    "--registry-password",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The file, 0600, with the password of `ops` at the registry; without it none is sent.",
)
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def command(only: tuple[str, ...], first_policy: Path | None, registry_password: Path | None, home: Path) -> None:
    """Bring Kafka, PostgreSQL and the registry to what this version needs, as `ops`.

    Before the first start, and before each upgrade. Harmless to repeat; nothing is ever deleted.
    On Strimzi leave topics out: --only policy --only tables --only schemas, and `tocsin acl manifests` for the rest.
    """
    first = SAMPLE if first_policy == Path(_SAMPLE) else first_policy
    settings = load(home / "config" / f"{OPS}.toml")
    wanted = Wanted(settings=settings, first=first, password_file=registry_password)
    for part, make in _PARTS.items():
        if not only or part in only:
            click.echo(f"{part}: {make(wanted)}")
