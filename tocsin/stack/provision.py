"""Make the broker and the registry as the tables say: plan the difference, then apply it."""

import ssl
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)
from msgspec import Struct
from msgspec.structs import replace

from schemas.failures import Broken, Temporary
from schemas.records.identifiers import MemberId
from schemas.topics import AclGrant, MemberTopics, Operation, Resource, TopicSpec, acl_table, topic_table

if TYPE_CHECKING:
    import httpx

_TIMEOUT_SECONDS: Final = 30
_HOST: Final = "*"
_IN_FORCE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_AGE, _FOR_EVER = "retention.ms", "-1"
_NOT_ALLOWED: Final = frozenset({401, 403})


class Plan(Struct, frozen=True, kw_only=True):
    """What differs between the tables and the broker; empty means that nothing has to be done."""

    missing_topics: tuple[TopicSpec, ...] = ()
    changed_topics: tuple[TopicSpec, ...] = ()
    few_partitions: tuple[TopicSpec, ...] = ()
    kept_topics: tuple[str, ...] = ()
    """Whose records somebody keeps, as police may ask: shown, and left so by a plan that does not end it."""
    unknown_topics: tuple[str, ...] = ()
    """On the broker and in no table: shown, never deleted by a plan."""
    missing_grants: tuple[AclGrant, ...] = ()
    excess_grants: tuple[AclGrant, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether apply would do nothing."""
        return not any(
            (self.missing_topics, self.changed_topics, self.few_partitions, self.missing_grants, self.excess_grants)
        )


class Provisioner:
    """Plans and applies as the `ops` principal."""

    def __init__(self, client: Mapping[str, Any], timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        self._admin = AdminClient(dict(client))
        self._timeout_seconds = timeout_seconds

    def plan(
        self, members: Iterable[MemberTopics], barred: Collection[MemberId] = (), ended: Collection[str] = ()
    ) -> Plan:
        """Compare the tables with what the broker has; raises Temporary where it is away.

        Who is barred keeps its topics, because the ledger accounts for them, and may touch nothing. Of topics in
        `ended` nothing is kept any longer than the tables say.
        """
        members = tuple(members)
        able = (member for member in members if member.member_id not in barred)
        try:
            return self._plan(topic_table(members), frozenset(acl_table(able)), ended)
        except KafkaException as error:
            raise _away(error) from error

    def apply(self, plan: Plan) -> None:
        """Make the difference vanish; what was already done is kept where one step fails."""
        try:
            self._create_topics(plan.missing_topics)
            self._alter_topics(plan.changed_topics)
            self._add_partitions(plan.few_partitions)
            self._grant(plan.missing_grants)
            self._revoke(plan.excess_grants)
        except KafkaException as error:
            raise _away(error) from error

    def _plan(self, topics: tuple[TopicSpec, ...], grants: frozenset[AclGrant], ended: Collection[str]) -> Plan:
        present = self._partitions()
        known = tuple(spec for spec in topics if spec.name in present)
        actual = self._configs(known)
        kept = frozenset(name for name, found in actual.items() if is_kept(found)) - set(ended)
        wanted = tuple(_but_its_age(spec) if spec.name in kept else spec for spec in known)
        have = self._grants()
        return Plan(
            missing_topics=tuple(spec for spec in topics if spec.name not in present),
            changed_topics=tuple(spec for spec in wanted if not spec.config.items() <= actual[spec.name].items()),
            few_partitions=tuple(spec for spec in known if present[spec.name] < spec.partitions),
            kept_topics=tuple(sorted(kept)),
            unknown_topics=tuple(sorted(present.keys() - {spec.name for spec in topics})),
            missing_grants=tuple(sorted(grants - have)),
            excess_grants=tuple(sorted(have - grants)),
        )

    def _partitions(self) -> dict[str, int]:
        topics = self._admin.list_topics(timeout=self._timeout_seconds).topics
        return {name: len(topic.partitions) for name, topic in topics.items() if not name.startswith("__")}

    def _configs(self, topics: tuple[TopicSpec, ...]) -> dict[str, dict[str, str]]:
        resources = [ConfigResource(ConfigResource.Type.TOPIC, spec.name) for spec in topics]
        if not resources:
            return {}
        answers = self._admin.describe_configs(resources, request_timeout=self._timeout_seconds)
        return {
            resource.name: {name: str(entry.value) for name, entry in future.result().items()}
            for resource, future in answers.items()
        }

    def _grants(self) -> frozenset[AclGrant]:
        everything = AclBindingFilter(
            ResourceType.ANY,
            None,  # type: ignore[arg-type]  # None means any, which the annotation does not say
            ResourcePatternType.ANY,
            None,  # type: ignore[arg-type]  # as above
            None,  # type: ignore[arg-type]  # as above
            AclOperation.ANY,
            AclPermissionType.ANY,
        )
        bindings = self._admin.describe_acls(everything, request_timeout=self._timeout_seconds).result()
        return frozenset(_grant_of(binding) for binding in bindings)

    def _create_topics(self, topics: tuple[TopicSpec, ...]) -> None:
        if topics:
            wanted = [NewTopic(spec.name, spec.partitions, config=dict(spec.config)) for spec in topics]
            for future in self._admin.create_topics(wanted, request_timeout=self._timeout_seconds).values():
                future.result()

    def _alter_topics(self, topics: tuple[TopicSpec, ...]) -> None:
        if topics:
            resources = [_altered(spec) for spec in topics]
            for future in self._admin.incremental_alter_configs(
                resources, request_timeout=self._timeout_seconds
            ).values():
                future.result()

    def _add_partitions(self, topics: tuple[TopicSpec, ...]) -> None:
        if topics:
            wanted = [NewPartitions(spec.name, spec.partitions) for spec in topics]
            for future in self._admin.create_partitions(wanted, request_timeout=self._timeout_seconds).values():
                future.result()

    def _grant(self, grants: tuple[AclGrant, ...]) -> None:
        if grants:
            bindings = [AclBinding(*_words(grant)) for grant in grants]
            for future in self._admin.create_acls(bindings, request_timeout=self._timeout_seconds).values():
                future.result()
            self._await(lambda: frozenset(grants) <= self._grants())

    def _await(self, in_force: Callable[[], bool]) -> None:
        """The controller knows at once, the broker a moment later: until then a producer's first word is fatal."""
        deadline = time.monotonic() + _IN_FORCE_SECONDS
        while not in_force():
            if time.monotonic() > deadline:
                raise Temporary("The broker does not apply new access rules. Try again: tocsin up", code="kafka.away")
            time.sleep(_POLL_SECONDS)

    def _revoke(self, grants: tuple[AclGrant, ...]) -> None:
        if grants:
            filters = [AclBindingFilter(*_words(grant)) for grant in grants]
            for future in self._admin.delete_acls(filters, request_timeout=self._timeout_seconds).values():
                future.result()
            self._await(lambda: self._grants().isdisjoint(grants))


def is_kept(config: Mapping[str, str]) -> bool:
    """Whether a topic's records stay whatever their age: no table says so, somebody did it by hand."""
    return config.get(_AGE) == _FOR_EVER


def _but_its_age(spec: TopicSpec) -> TopicSpec:
    return replace(spec, config={name: value for name, value in spec.config.items() if name != _AGE})


def register_schemas(
    registry_url: str, writer: tuple[str, str] | None, subjects: Mapping[str, str], tls: ssl.SSLContext
) -> None:
    """Register each subject's schema under FULL_TRANSITIVE compatibility; what is there already is left as it is."""
    import httpx  # noqa: PLC0415 -- a member that only asks for its certificate has none

    try:
        with httpx.Client(timeout=_TIMEOUT_SECONDS, auth=writer, verify=tls) as client:
            client.put(f"{registry_url}/config", json={"compatibility": "FULL_TRANSITIVE"}).raise_for_status()
            for subject, text in subjects.items():
                client.post(f"{registry_url}/subjects/{subject}/versions", json={"schema": text}).raise_for_status()
    except httpx.HTTPStatusError as error:
        raise _refusal(error) from error
    except httpx.TransportError as error:
        raise Temporary("The registry does not answer. Check: tocsin status", code="registry.away") from error


def _refusal(error: "httpx.HTTPStatusError") -> Broken:
    status, path = error.response.status_code, error.request.url.path
    if status in _NOT_ALLOWED:
        return Broken(
            f"The registry does not let us write {path}: status {status}. Only `ops` registers schemas: run this where "
            "the home's secrets are; where its password was changed, tocsin down and tocsin up",
            code="schema.not_allowed",
        )
    return Broken(
        f"The registry refused {path}: status {status}. Released schemas are never edited: tocsin schema check",
        code="schema.refused",
    )


_RESOURCES: Final = {Resource.TOPIC: ResourceType.TOPIC, Resource.GROUP: ResourceType.GROUP}
_OPERATIONS: Final = {
    Operation.READ: AclOperation.READ,
    Operation.WRITE: AclOperation.WRITE,
    Operation.DESCRIBE: AclOperation.DESCRIBE,
}


def _altered(spec: TopicSpec) -> ConfigResource:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in spec.config.items()
    ]
    return ConfigResource(ConfigResource.Type.TOPIC, spec.name, incremental_configs=entries)


def _pattern(grant: AclGrant) -> ResourcePatternType:
    return ResourcePatternType.PREFIXED if grant.prefixed else ResourcePatternType.LITERAL


def _words(grant: AclGrant) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    """A grant as the client says it, of a rule as of a filter that finds that rule."""
    return (
        _RESOURCES[grant.resource],
        grant.name,
        _pattern(grant),
        f"User:{grant.principal}",
        _HOST,
        _OPERATIONS[grant.operation],
        AclPermissionType.ALLOW,
    )


def _grant_of(binding: AclBinding) -> AclGrant:
    resources = {native: ours for ours, native in _RESOURCES.items()}
    operations = {native: ours for ours, native in _OPERATIONS.items()}
    if binding.restype not in resources or binding.operation not in operations:
        raise Broken(
            f"The broker has an access rule that no table of ours can hold: {binding.principal} on {binding.name}. "
            "Remove it with Kafka's own tool.",
            code="acl.foreign",
        )
    return AclGrant(
        principal=MemberId(binding.principal.removeprefix("User:")),
        resource=resources[binding.restype],
        name=binding.name,
        prefixed=binding.resource_pattern_type == ResourcePatternType.PREFIXED,
        operation=operations[binding.operation],
    )


def _away(error: KafkaException) -> Temporary:
    return Temporary(f"The broker did not do as it was asked: {error.args[0]}. Check: tocsin status", code="kafka.away")
