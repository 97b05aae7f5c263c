"""Wiring of the processors: which topics go in, which settings they read, and how they are built."""

import math
import time
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from processors.balancing import LedgerWatch
from processors.checkpointing import CheckpointWatch
from processors.circulating import Circulation
from processors.expiring import KeyWatch
from processors.index.postgres import PostgresIndex
from processors.keeping import Sweep
from processors.keyring import key_mark, keyring
from processors.letters import Writer
from processors.newcomers import Newcomers, Wanted
from processors.pausing import Pauses, topic_member
from processors.present import Presence
from processors.promoted import PromotionWatch
from processors.recalling import RecallWatch
from processors.referring import Desk
from processors.returns import ReturnStages, ReturnTools
from processors.setback import Setback
from processors.spreading import Spreading
from processors.steps.deduplicate.near import Veil
from processors.triage import Tools, TriageStages
from processors.watching import PolicyWatch, QueueWatch
from schemas.records.identifiers import MemberId
from schemas.records.report import PersonalPart
from schemas.topics import RETURNS, RULINGS, TRIAGE, escalated_topic, returns_topic, submitted_topic
from tocsin.policy.policies import Policies, policies, topics_of
from tocsin.runtime.audit.sequencing import Sequencer
from tocsin.runtime.database import Database, database_of
from tocsin.runtime.endpoint import endpoint_of
from tocsin.runtime.expiry import show_expiry
from tocsin.runtime.health import Health
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.keys.sealing import Opener, Sealer
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.ledger.amendments import LedgerFindings
from tocsin.runtime.ledger.settling import positions, settled_until
from tocsin.runtime.ledger.skips import skips_of
from tocsin.runtime.ledger.standings import LedgerStandings
from tocsin.runtime.ledger.workers import Worker
from tocsin.runtime.metrics import describe_build
from tocsin.runtime.records import Records
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings
from tocsin.runtime.starting import when_there
from tocsin.runtime.tracing.spans import spans_of
from tocsin.runtime.transport.application import WorkerSettings
from tocsin.runtime.transport.cluster import topic_ids_of
from tocsin.runtime.transport.errands import Errand, no_errand, together
from tocsin.runtime.transport.fairness import MOST_AT_ONCE
from tocsin.runtime.transport.pauses import Bookkeeping, Pause
from tocsin.runtime.transport.runner import Stages
from tocsin.runtime.transport.worker import expect_signs, run_worker


class Lane(StrEnum):
    """No backlog of the normal lane ever stands before an escalated report."""

    ESCALATED = "escalated"
    NORMAL = "normal"


_TOPIC: Final = {Lane.ESCALATED: escalated_topic, Lane.NORMAL: submitted_topic}
_RULINGS: Final = {Lane.ESCALATED: (), Lane.NORMAL: (RULINGS,)}
"""What is decided again waits behind no backlog, and none of it before an escalated report."""
_SLICE_RECORDS: Final = {Lane.ESCALATED: 50, Lane.NORMAL: MOST_AT_ONCE}
"""An escalated slice is about 50 ms of work."""
_SHARED_RECORDS: Final = 50
"""A slice of a backlog while others send too: about 50 ms of work."""
_GATHER_SECONDS: Final = {Lane.ESCALATED: 0.0, Lane.NORMAL: 0.05}
_RETURNS_GATHER_SECONDS: Final = 0.2
_PATIENCE_SECONDS: Final = {Lane.ESCALATED: 10.0, Lane.NORMAL: math.inf}
"""How long a lane waits for the claim store: what is urgent then goes on with novelty unknown."""
_DATABASE_POOL: Final = 8


def run_triage(settings: Settings, lane: Lane, instance: str) -> bool:
    """Run one worker of one lane until it is told to stop; True where it has to begin again in its own place."""
    return _run(settings, f"triage.{lane}", partial(_triage, settings, lane, instance))


def _triage(settings: Settings, lane: Lane, instance: str, database: Database) -> "Job":
    rules, watch = _rules(settings, database)
    codec = RecordCodec(SchemaDirectory(settings.registry))
    secrets = keyring(settings.state)
    desk = Desk(
        bundle=rules.at(_now_ms()),
        keys=secrets.keys,
        personal_schema_id=personal_schema_id(settings),
        sealer=Sealer.of(settings.trust),
    )
    spans = spans_of(settings)
    tools = Tools(
        carries=spans.carries,
        desk=desk,
        veil=Veil(secrets.near),
        codec=codec,
        directory=directory_of(settings.trust),
        opener=Opener.of(settings.trust, TRIAGE, _now_ms),
        policies=rules,
        look_up=Records(settings.kafka),
        standings=LedgerStandings(database),
        findings=LedgerFindings(database=database),
    )
    stages = TriageStages(tools, PostgresIndex(database), database, skips_of(database))
    wanted = partial(_submitted, rules, lane)
    own = wanted(_now_ms())
    worker = replace(_of_lane(settings, lane, instance), topics=(*own, *_RULINGS[lane]), spans=spans)
    pauses = Pauses(rules, Writer(codec=codec), database, own)
    marks = tuple(map(key_mark, secrets.keys.digest))
    presence = Presence(Worker(instance=worker.instance, keys=marks, topics=worker.topics), rules, database)
    duties = Duties(watches=(watch, PolicyWatch(rules), presence), presence=presence, wanted=wanted)
    return _job(settings, worker, stages, pauses, duties)


def _of_lane(settings: Settings, lane: Lane, instance: str) -> WorkerSettings:
    return WorkerSettings(
        group=f"triage.{lane}",
        instance=f"triage-{lane}-{instance}",
        topics=_RULINGS[lane],
        data_folder=settings.state / "faust",
        slice_records=_SLICE_RECORDS[lane],
        shared_records=_SHARED_RECORDS,
        gather_seconds=_GATHER_SECONDS[lane],
        patience_seconds=_PATIENCE_SECONDS[lane],
    )


def run_returns(settings: Settings, instance: str) -> bool:
    """Run one worker that reads what every member answers; True where it has to begin again in its own place."""
    return _run(settings, "returns.all", partial(_returns, settings, instance))


def _returns(settings: Settings, instance: str, database: Database) -> "Job":
    rules, watch = _rules(settings, database)
    wanted = partial(_returned, rules)
    topics = wanted(_now_ms())
    worker = WorkerSettings(
        group="returns.all",
        instance=f"returns-{instance}",
        topics=topics,
        data_folder=settings.state / "faust",
        gather_seconds=_RETURNS_GATHER_SECONDS,
        spans=spans_of(settings),
    )
    codec = RecordCodec(SchemaDirectory(settings.registry))
    directory = directory_of(settings.trust)
    tools = ReturnTools(codec=codec, policies=rules, directory=directory)
    stages = ReturnStages(tools, database, skips_of(database), _now_ms)
    pauses = Pauses(rules, Writer(codec=codec), database, topics)
    spreading = Spreading(rules, Writer(codec=codec), database)
    circulation = Circulation(map(topic_member, topics), Writer(codec=codec), database)
    signer = Signer.of(settings.trust, RETURNS, _now_ms)
    sequencer = Sequencer(database, signer.note if signer else None)
    presence = Presence(Worker(instance=worker.instance, topics=topics), rules, database)
    duties = Duties(
        watches=(
            watch,
            PolicyWatch(rules),
            presence,
            QueueWatch(database),
            RecallWatch(database),
            LedgerWatch(database),
            sequencer,
            CheckpointWatch(database),
            Sweep(database),
            KeyWatch(directory),
        ),
        presence=presence,
        wanted=wanted,
        errand=lambda: together(spreading(_now_ms()), circulation(_now_ms())),
    )
    return _job(settings, worker, stages, pauses, duties)


def _rules(settings: Settings, database: Database) -> tuple[Policies, PromotionWatch]:
    """The rules of a store from which nothing was taken, and who goes on looking."""
    rules = policies(settings.policy, settings.policy_trust)
    watch = PromotionWatch(rules, database)
    watch(_now_ms())
    return rules, watch


class Duties(Struct, frozen=True, kw_only=True):
    """What a worker looks after every few seconds, beside its slices."""

    watches: tuple[Callable[[int], None], ...]
    presence: Presence
    wanted: Wanted
    errand: Callable[[], Errand] = no_errand


class Job(Struct, frozen=True, kw_only=True):
    """Everything that a worker runs with."""

    worker: WorkerSettings
    stages: Stages[Any, Any, Any]
    books: Bookkeeping
    presence: Presence


def _job(
    settings: Settings,
    worker: WorkerSettings,
    stages: Stages[Any, Any, Any],
    pauses: Pauses,
    duties: Duties,
) -> Job:
    """A worker whose positions are the ledger's, and which looks after its duties every few seconds."""
    topic_ids = topic_ids_of(settings.kafka, worker.topics)
    newcomers = Newcomers(duties.wanted, worker.topics, partial(topic_ids_of, settings.kafka))
    setback = Setback(partial(_settled, pauses.database, tuple(topic_ids.values())))
    books = Bookkeeping(
        positions=partial(positions, pauses.database, topic_ids),
        settled=setback.note,
        pause=lambda: _looked(pauses, duties.watches),
        errand=duties.errand,
        is_outdated=lambda: setback() or newcomers(_now_ms()),
    )
    duties.presence(_now_ms())
    return Job(worker=worker, stages=stages, books=books, presence=duties.presence)


def _settled(database: Database, topic_ids: tuple[str, ...]) -> Mapping[tuple[str, int], int]:
    with database.transaction() as connection:
        return settled_until(connection, topic_ids)


def _run(settings: Settings, name: str, build: Callable[[Database], Job]) -> bool:
    """Wait for what is away, run until told to stop or outdated, and be asked for health all the while."""
    describe_build(name)
    show_expiry(settings.kafka.certificate)
    health = Health()
    expect_signs(health)
    database = database_of(settings, _DATABASE_POOL)
    endpoint = endpoint_of(settings, health)
    try:
        job = when_there(lambda: build(database), health)
        begins_again = run_worker(settings.kafka, job.worker, job.stages, job.books, health)
        job.presence.leave()
    finally:
        database.close()
        if endpoint:
            endpoint.close()
    return begins_again


def _looked(pauses: Pauses, watches: tuple[Callable[[int], None], ...]) -> Pause:
    for watch in watches:
        watch(_now_ms())
    return pauses(_now_ms())


def _now_ms() -> int:
    return int(time.time() * 1000)


def submitters(rules: Policies, now_ms: int) -> tuple[MemberId, ...]:
    """Every member that may publish now or soon; a suspended one too, so that its records are refused and told."""
    return tuple(one.member_id for one in topics_of(rules.from_now_on(now_ms)) if one.submits)


def _submitted(rules: Policies, lane: Lane, now_ms: int) -> tuple[str, ...]:
    return tuple(_TOPIC[lane](member) for member in submitters(rules, now_ms))


def _returned(rules: Policies, now_ms: int) -> tuple[str, ...]:
    return tuple(returns_topic(one.member_id) for one in topics_of(rules.from_now_on(now_ms)))


def personal_schema_id(settings: Settings) -> int:
    """The schema id that a sealed personal part carries."""
    return SchemaDirectory(settings.registry).id_of(PersonalPart)
