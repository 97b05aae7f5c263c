"""The topics and users of an exchange as Strimzi's resources, from the tables that the local stack is made from.

An exchange on Strimzi has its topics and access rules from these files; elsewhere `tocsin acl apply` makes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import MemberId
from schemas.topics import AclGrant, MemberTopics, TopicSpec, acl_table, topic_table

CLUSTER: Final = "tocsin"
"""The name of the Kafka resource that topics and users belong to."""
_VERSION: Final = "kafka.strimzi.io/v1"
_MADE: Final = "# Made by `tocsin acl manifests` from the policy bundle: make it anew, do not edit it.\n"
_WORDS: Final = {"READ": "Read", "WRITE": "Write", "DESCRIBE": "Describe"}


class Shape(Struct, frozen=True, kw_only=True):
    """How large the topics are on this cluster."""

    partitions: int = 2
    replicas: int = 3


def topics(members: Iterable[MemberTopics], shape: Shape) -> str:
    """A KafkaTopic for each topic of the exchange, as one YAML file."""
    specs = topic_table(members, shape.partitions)
    return _MADE + "".join("\n".join(_topic(spec, shape)) + "\n" for spec in specs)


def users(members: Iterable[MemberTopics]) -> str:
    """A KafkaUser for each principal with what it may do; its key stays where it was made, hence `tls-external`."""
    by_principal = groupby(acl_table(members), key=lambda grant: grant.principal)
    return _MADE + "".join("\n".join(_user(name, tuple(grants))) + "\n" for name, grants in by_principal)


def _topic(spec: TopicSpec, shape: Shape) -> Iterator[str]:
    yield from _head("KafkaTopic", spec.name)
    yield "spec:"
    yield f"  partitions: {spec.partitions}"
    yield f"  replicas: {shape.replicas}"
    yield "  config:"
    yield from (f'    {key}: "{value}"' for key, value in sorted(spec.config.items()))


def _user(principal: MemberId, grants: Sequence[AclGrant]) -> Iterator[str]:
    yield from _head("KafkaUser", principal)
    yield "spec:"
    yield "  authentication:"
    yield "    type: tls-external"
    yield "  authorization:"
    yield "    type: simple"
    yield "    acls:"
    for grant in grants:
        yield "      - resource:"
        yield f"          type: {grant.resource.lower()}"
        yield f'          name: "{grant.name}"'
        yield f"          patternType: {'prefix' if grant.prefixed else 'literal'}"
        yield "        operations:"
        yield f"          - {_WORDS[grant.operation]}"


def _head(kind: str, name: str) -> Iterator[str]:
    yield "---"
    yield f"apiVersion: {_VERSION}"
    yield f"kind: {kind}"
    yield "metadata:"
    yield f"  name: {name}"
    yield "  labels:"
    yield f"    strimzi.io/cluster: {CLUSTER}"
