"""`tocsin acl`: the broker's topics and access rules against the tables."""

import sys
import time
from pathlib import Path

import click

from schemas.topics import AclGrant
from tocsin.cli.auditing.acting import in_the_log
from tocsin.cli.auditing.person import BY
from tocsin.policy.bundle import SAMPLE
from tocsin.policy.bundle import load as load_bundle
from tocsin.policy.policies import policies, topics_of
from tocsin.runtime.audit.statements import Act
from tocsin.runtime.settings import Settings, load
from tocsin.stack import manifests as strimzi
from tocsin.stack.manifests import Shape
from tocsin.stack.membership import barred_now
from tocsin.stack.provision import Plan, Provisioner

DIFFERS = 3
_FOLLOWS = "the broker follows the policy"


@click.group(name="acl")
def command() -> None:
    """Compare the broker's topics and access rules with the tables and the policy bundle."""


@command.command()
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
def plan(home: Path) -> None:
    """Show what `apply` would change. Ends with 3 where something differs."""
    _, found = _plan(load(home / "config" / "ops.toml"))
    click.echo(_text(found))
    sys.exit(0 if found.is_empty else DIFFERS)


@command.command()
@click.option("--home", type=click.Path(path_type=Path), default=".tocsin", envvar="TOCSIN_HOME", show_default=True)
@click.option("--end-keeping", "ended", multiple=True, metavar="TOPIC", help="Its records go by their age again.")
@BY
@click.option("--reason", default=_FOLLOWS, show_default=True, help="Why; it is kept.")
def apply(home: Path, ended: tuple[str, ...], by: str, reason: str) -> None:
    """Make topics and access rules as the tables say. Topics that no table names are never deleted.

    Where there is something to make, the audit log keeps first who did.

    A topic with retention.ms at -1 is kept so, because police may need a record of it (a picture, or what may be one,
    on a topic: docs/runbooks/an-imagery-incident.md), until --end-keeping names it.
    """
    settings = load(home / "config" / "ops.toml")
    provisioner, found = _plan(settings, ended)
    if strange := set(ended) - {spec.name for spec in found.changed_topics}:
        raise click.UsageError(f"Not kept: {', '.join(sorted(strange))}. See which are: tocsin acl plan")
    click.echo(_text(found))
    if not found.is_empty:
        with in_the_log(settings, Act(person=by, reason=reason, command="acl apply", what=_done(found, ended))):
            pass  # before: making much takes longer than a transaction may
    provisioner.apply(found)


@command.command()
@click.option("--policy", type=click.Path(path_type=Path, exists=True), default=SAMPLE, help="The bundle; the sample.")
@click.option("--partitions", type=click.IntRange(1, 64), default=2, show_default=True, help="Of each topic.")
@click.option("--replicas", type=click.IntRange(1, 9), default=3, show_default=True, help="Of each partition.")
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="Where topics.yaml and users.yaml go.")
def manifests(policy: Path, partitions: int, replicas: int, folder: Path) -> None:
    """Write the same topics and access rules as resources of Strimzi, for an exchange on Kubernetes.

    Do not say `apply` there: Strimzi's operators own topics and rules, and undo what others do.
    """
    members = load_bundle(policy).topics()
    folder.mkdir(parents=True, exist_ok=True)
    shape = Shape(partitions=partitions, replicas=replicas)
    for name, text in (("topics.yaml", strimzi.topics(members, shape)), ("users.yaml", strimzi.users(members))):
        (folder / name).write_text(text, "utf-8")
        click.echo(f"{folder / name}")


def _plan(settings: Settings, ended: tuple[str, ...] = ()) -> tuple[Provisioner, Plan]:
    provisioner = Provisioner(settings.kafka.client())
    rules = policies(settings.policy, settings.policy_trust)
    members = topics_of(rules.from_now_on(int(time.time() * 1000)))
    return provisioner, provisioner.plan(members, barred_now(settings), ended)


def _done(plan: Plan, ended: tuple[str, ...]) -> str:
    """Counts, because the policy that two promoted says which; a topic that is kept no more is named."""
    topics = len(plan.missing_topics) + len(plan.changed_topics) + len(plan.few_partitions)
    rules = f"{len(plan.missing_grants)} rules given, {len(plan.excess_grants)} taken back"
    kept = f", {', '.join(sorted(ended))} kept no longer" if ended else ""
    return f"made the broker as the policy says: {topics} topics, {rules}{kept}"


def _text(plan: Plan) -> str:
    lines = [
        *(f"+ topic {spec.name}" for spec in plan.missing_topics),
        *(f"~ topic {spec.name}: configuration" for spec in plan.changed_topics),
        *(f"~ topic {spec.name}: {spec.partitions} partitions" for spec in plan.few_partitions),
        *(f"= topic {name}: kept whatever its age (retention.ms is -1)" for name in plan.kept_topics),
        *(f"? topic {name} is in no table" for name in plan.unknown_topics),
        *(f"+ {_grant(grant)}" for grant in plan.missing_grants),
        *(f"- {_grant(grant)}" for grant in plan.excess_grants),
    ]
    return "\n".join(lines) or "Topics and access rules are as the tables say."


def _grant(grant: AclGrant) -> str:
    star = "*" if grant.prefixed else ""
    return f"{grant.principal} may {grant.operation} {grant.resource} {grant.name}{star}"
