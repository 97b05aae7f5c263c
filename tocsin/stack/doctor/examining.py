"""Gathers the facts of one home, as `ops`: services first, and of those that answer everything else."""

import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from sqlalchemy import text

from schemas.codec import ENGINE
from schemas.failures import Failure, Temporary
from schemas.topics import topics_by_worker
from tocsin.policy.policies import policies, topics_of
from tocsin.runtime import settings
from tocsin.runtime.database import database_of, one_transaction
from tocsin.runtime.ledger.promoted import seen
from tocsin.runtime.ledger.workers import running
from tocsin.runtime.migrating import revisions
from tocsin.runtime.registry import subjects
from tocsin.runtime.settings import Settings
from tocsin.runtime.tls import verifying
from tocsin.runtime.transport.cluster import ClusterReader
from tocsin.stack.certificates import expiry
from tocsin.stack.doctor import findings
from tocsin.stack.doctor.findings import Finding, Group
from tocsin.stack.doctor.given_up import of_settings
from tocsin.stack.doctor.rules import of_keys, of_memory, of_people, of_rules, of_submitters
from tocsin.stack.erasing import came_back
from tocsin.stack.membership import barred_now
from tocsin.stack.provision import Provisioner
from tocsin.stack.subjects import lost

_ASK_SECONDS: Final = 5
_CONNECTION: Final = text(
    "select encrypted.version, here.client_addr is not null from pg_stat_ssl encrypted "
    "join pg_stat_activity here using (pid) where pid = pg_backend_pid()"
)


def examine(home: Path, now: datetime) -> tuple[Finding, ...]:
    """Everything there is to say about a home; raises Broken where it has no settings."""
    ops = settings.load(home / "config" / "ops.toml")
    answers = {name: _trouble(ask, ops) for name, ask in _SERVICES.items()}
    codec = findings.of_codec(ENGINE)
    found = [*findings.of_services(answers), codec, *findings.of_certificates(_expiries(home), now), *_policy(ops, now)]
    found += of_settings(home / "config", local_stack=ops.local_stack)
    for name, looks in _LOOKS.items():
        if not answers[name]:
            found += [finding for look in looks for finding in look(ops)]
    return tuple(found)


def _trouble(ask: Callable[[Settings], object], ops: Settings) -> str:
    try:
        ask(ops)
    except Failure as failure:
        return str(failure)
    return ""


def _broker(ops: Settings) -> None:
    try:
        _admin(ops).list_topics(timeout=_ASK_SECONDS)
    except KafkaException as error:
        raise Temporary(f"does not answer ({error.args[0].name()})", code="kafka.away") from error


def _database(ops: Settings) -> tuple[str | None, str | None]:
    database = database_of(ops)
    try:
        return revisions(database)
    finally:
        database.close()


def _connection(ops: Settings) -> Iterator[Finding]:
    with one_transaction(ops) as connection:
        version, on_network = connection.execute(_CONNECTION).one()
    yield findings.of_connection(version, on_network=on_network)


def _memory(ops: Settings) -> Iterator[Finding]:
    """Before its migration the database remembers nothing: that is another finding."""
    database = database_of(ops)
    try:
        current, head = revisions(database)
        if current != head:
            return iter(())
        with database.transaction() as connection:
            return of_memory(ops.policy, ops.policy_trust, seen(connection))
    finally:
        database.close()


def _workers(ops: Settings) -> Iterator[Finding]:
    """Which process runs with which bundle, and who has to be started again; without rules nobody can tell."""
    database, now_ms = database_of(ops), int(time.time() * 1000)
    try:
        current, head = revisions(database)
        if current != head:
            return iter(())
        rules = policies(ops.policy, ops.policy_trust)
        with database.transaction() as connection:
            here = running(connection)
        needed = topics_by_worker(topics_of(rules.from_now_on(now_ms)))
        return findings.of_workers(here, needed, rules.at(now_ms).digest)
    except Failure:
        return iter(())
    finally:
        database.close()


def _erasures(ops: Settings) -> Iterator[Finding]:
    current, head = _database(ops)
    return findings.of_erasures(came_back(ops)) if current == head else iter(())


def _restrictions(ops: Settings) -> Iterator[Finding]:
    current, head = _database(ops)
    return findings.of_restrictions(lost(ops)) if current == head else iter(())


def _registry(ops: Settings) -> list[str]:
    try:
        answer = httpx.get(
            f"{ops.registry.url}/subjects", timeout=_ASK_SECONDS, verify=verifying(ops.registry.ca)
        ).raise_for_status()
    except httpx.HTTPError as error:
        raise Temporary(f"does not answer ({type(error).__name__})", code="registry.away") from error
    return [str(name) for name in answer.json()]


def _expiries(home: Path) -> Mapping[str, datetime]:
    files = (file for file in (home / "certificates").glob("*.pem") if not file.name.endswith(".bundle.pem"))
    return {file.stem: expiry(file) for file in sorted(files)}


def _policy(ops: Settings, now: datetime) -> Iterator[Finding]:
    now_ms = int(now.timestamp() * 1000)
    yield from of_rules(ops.policy, ops.policy_trust, now_ms)
    yield from of_submitters(ops.policy, ops.policy_trust, now_ms)
    yield from of_people(ops.policy_trust, local_stack=ops.local_stack)
    yield from of_keys(ops.trust, now_ms)


def _plan(ops: Settings) -> Iterator[Finding]:
    """Without the rules nobody can tell what should be there, and who is suspended stands in the database."""
    try:
        rules = policies(ops.policy, ops.policy_trust)
        members = topics_of(rules.from_now_on(int(time.time() * 1000)))
        barred = barred_now(ops)
    except Failure:
        return iter(())
    return findings.of_plan(Provisioner(ops.kafka.client()).plan(members, barred))


def _groups(ops: Settings) -> Iterator[Finding]:
    reader = ClusterReader(ops.kafka)
    try:
        return findings.of_groups(list(_listed_groups(_admin(ops), reader)))
    except KafkaException as error:
        raise Temporary("The broker stopped answering. Try again: tocsin doctor", code="kafka.away") from error
    finally:
        reader.close()


def _listed_groups(admin: AdminClient, reader: ClusterReader) -> Iterator[Group]:
    names = [group.group_id for group in admin.list_consumer_groups(request_timeout=_ASK_SECONDS).result().valid]
    described = reader.described(name for name in names if not name.startswith("ops."))
    for name, committed in reader.committed(described).items():
        yield Group(name=name, members=len(described[name].members), lag=_lag(admin, committed))


def _lag(admin: AdminClient, committed: Mapping[tuple[str, int], int]) -> int:
    if not committed:
        return 0
    places = {TopicPartition(*where): offset for where, offset in committed.items()}
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # the client has no annotation here
    ends = admin.list_offsets(dict.fromkeys(places, latest), request_timeout=_ASK_SECONDS)
    return sum(max(0, ends[place].result().offset - offset) for place, offset in places.items())


def _admin(ops: Settings) -> AdminClient:
    return AdminClient(ops.kafka.client() | {"log_level": 0})  # what is wrong is said in the report, once


_SERVICES: Final[Mapping[str, Callable[[Settings], object]]] = {
    "kafka": _broker,
    "postgresql": _database,
    "registry": _registry,
}
_LOOKS: Final[Mapping[str, tuple[Callable[[Settings], Iterator[Finding]], ...]]] = {
    "kafka": (_plan, _groups),
    "postgresql": (
        _connection,
        lambda ops: iter([findings.of_migrations(*_database(ops))]),
        _memory,
        _workers,
        _erasures,
        _restrictions,
    ),
    "registry": (lambda ops: iter([findings.of_schemas(subjects().keys(), _registry(ops))]),),
}
"""What can be looked at where a service answers."""
