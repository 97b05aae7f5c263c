"""What the doctor makes of facts: each fault is named with the command that helps."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.topics import AclGrant, MemberTopics, Operation, Resource, TopicSpec, topics_by_worker
from tocsin.policy.store.promotions import Promotion
from tocsin.policy.store.trust import NEEDED
from tocsin.runtime.ledger.workers import Worker
from tocsin.stack.doctor import findings
from tocsin.stack.doctor.findings import Finding, Group, Level
from tocsin.stack.provision import Plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOPIC = TopicSpec(name="reports.a.submitted.v1", partitions=2, config={})
GRANT = AclGrant(principal=MemberId("a"), resource=Resource.TOPIC, name="status.a.v1", operation=Operation.READ)


@pytest.mark.parametrize(("engine", "hint"), [("compiled", False), ("fastavro", True)])
def test_what_reads_records_is_told_and_that_there_is_a_faster_one(engine: str, hint: bool) -> None:
    found = findings.of_codec(engine)
    assert found.level is Level.OK
    assert engine in found.says
    assert ("not installed" in found.says) is hint


@pytest.mark.parametrize(("days", "level"), [(-1, Level.FAIL), (5, Level.WARN), (90, Level.OK)])
def test_a_certificate_is_told_before_it_ends(days: int, level: Level) -> None:
    (found,) = findings.of_certificates({"plat-a": NOW + timedelta(days=days)}, NOW)
    assert found.level is level
    assert bool(found.next_command) is (level is not Level.OK)


@pytest.mark.parametrize(
    ("names", "local_stack", "level"),
    [
        (("anna", "ben"), False, Level.OK),
        (("anna",), False, Level.WARN),
        ((), False, Level.WARN),
        ((), True, Level.OK),
    ],
)
def test_fewer_than_two_people_who_may_sign_is_told_except_on_a_local_stack(
    names: tuple[str, ...], local_stack: bool, level: Level
) -> None:
    (found,) = findings.of_people(names, local_stack=local_stack)
    assert found.level is level
    assert ("fewer than two" in found.says) is (len(names) < NEEDED)
    assert bool(found.next_command) is (level is Level.WARN)


@pytest.mark.parametrize(
    ("plan", "part"),
    [
        (Plan(missing_topics=(TOPIC,)), "topics"),
        (Plan(changed_topics=(TOPIC,)), "topics"),
        (Plan(few_partitions=(TOPIC,)), "topics"),
        (Plan(missing_grants=(GRANT,)), "access rules"),
        (Plan(excess_grants=(GRANT,)), "access rules"),
    ],
)
def test_every_difference_from_the_tables_fails_and_names_what_differs(plan: Plan, part: str) -> None:
    (failed,) = [found for found in findings.of_plan(plan) if found.level is Level.FAIL]
    assert (failed.part, failed.next_command) == (part, "tocsin acl apply")
    assert "reports.a" in failed.says or "status.a" in failed.says


def test_a_topic_that_is_kept_for_police_is_told_with_how_it_ends_and_fails_nothing() -> None:
    topics, rules, kept = findings.of_plan(Plan(kept_topics=("reports.ngo-b.submitted.v1",)))
    assert {topics.level, rules.level} == {Level.OK}
    assert (kept.level, kept.says) == (Level.WARN, "kept whatever its age: reports.ngo-b.submitted.v1")
    assert kept.next_command.endswith("tocsin acl apply --end-keeping reports.ngo-b.submitted.v1")


def test_a_topic_of_no_table_is_told_and_fails_nothing() -> None:
    assert findings.worst(findings.of_plan(Plan(unknown_topics=("x",)))) is Level.WARN


def test_a_service_that_does_not_answer_fails_with_its_reason() -> None:
    down, up = findings.of_services({"kafka": "refused", "registry": ""})
    assert (down.level, down.says, up.level) == (Level.FAIL, "refused", Level.OK)


def test_schemas_and_migrations_are_complete_or_named() -> None:
    assert findings.of_schemas(["a", "b"], ["a", "b", "c"]).level is Level.OK
    assert "b" in findings.of_schemas(["a", "b"], ["a"]).says
    assert findings.of_migrations("0001", "0001").level is Level.OK
    assert findings.of_migrations(None, "0001").level is Level.FAIL


@pytest.mark.parametrize(
    ("version", "on_network", "level"),
    [
        ("TLSv1.3", True, Level.OK),
        ("TLSv1.2", True, Level.OK),
        ("TLSv1.1", True, Level.FAIL),
        (None, True, Level.FAIL),
        (None, False, Level.OK),
    ],
)
def test_a_connection_to_the_database_is_told_with_its_tls_and_fails_without(
    version: str | None, level: Level, *, on_network: bool
) -> None:
    found = findings.of_connection(version, on_network=on_network)
    assert (found.level, (version or "none") in found.says) == (level, True)
    assert bool(found.next_command) is (level is Level.FAIL)


@pytest.mark.parametrize(
    ("group", "command"),
    [
        ("triage.normal", "tocsin triage --lane normal"),
        ("returns.all", "tocsin returns"),
        ("nl-hotline.inbox", "tocsin deliver nl-hotline"),
    ],
)
def test_work_without_a_process_names_the_process_to_start(group: str, command: str) -> None:
    first, *_ = findings.of_groups([Group(name=group, members=0, lag=3)])
    assert (first.level, first.next_command) == (Level.WARN, command)
    (calm,) = findings.of_groups([Group(name=group, members=1, lag=3)])
    assert calm.level is Level.OK


def test_long_lists_are_bounded() -> None:
    found = findings.of_schemas([f"s{n}" for n in range(50)], [])
    assert "and 45 more" in found.says


def a_promotion(takes_effect_ms: int, digest: str) -> Promotion:
    return Promotion(digest=digest, takes_effect_ms=takes_effect_ms, after="")


def test_the_policy_in_force_is_named_and_what_lacks_a_signature_warns() -> None:
    chain = [a_promotion(0, "a" * 64), a_promotion(10, "b" * 64), a_promotion(90, "c" * 64)]
    waiting = [a_promotion(95, "d" * 64), a_promotion(40, "e" * 64)]
    holds, unsigned, late = findings.of_policy(chain, waiting, 50)
    assert (holds.level, holds.says) == (Level.OK, f"bundle {'b' * 16} is in force; 3 verified, 1 of them for later")
    assert (unsigned.level, unsigned.next_command) == (Level.WARN, f"tocsin policy sign {'d' * 16}")
    assert (late.level, late.next_command) == (Level.WARN, "tocsin policy promote")


def test_the_gravest_finding_decides() -> None:
    levels = [Finding(part="x", level=level, says="") for level in (Level.OK, Level.FAIL, Level.WARN)]
    assert findings.worst(levels) is Level.FAIL
    assert findings.worst([]) is Level.OK


BUNDLE = "ab" * 32
MEMBERS = (
    MemberTopics(member_id=MemberId("a"), jurisdiction=JurisdictionCode("nl"), submits=True, receives=False),
    MemberTopics(member_id=MemberId("new"), jurisdiction=JurisdictionCode("nl"), submits=True, receives=True),
)


@pytest.mark.parametrize(
    ("instance", "read"),
    [
        ("triage-normal-0", "reports.{}.submitted.v1"),
        ("triage-escalated-1", "reports.{}.escalated.v1"),
        ("returns-0", "returns.{}.v1"),
    ],
)
def test_a_worker_that_began_before_a_member_came_is_named_with_what_it_does_not_read(instance: str, read: str) -> None:
    needed = topics_by_worker(MEMBERS)
    old = Worker(instance=instance, topics=(read.format("a"),), policy=BUNDLE)
    (found,) = findings.of_workers([old], needed, BUNDLE)
    assert (found.level, read.format("new") in found.says) == (Level.WARN, True)
    assert found.next_command.startswith("tocsin acl apply")
    ready = Worker(instance=instance, topics=(read.format("a"), read.format("new"), "rulings.v1"), policy=BUNDLE)
    (found,) = findings.of_workers([ready], needed, BUNDLE)
    assert (found.level, BUNDLE[:16] in found.says) == (Level.OK, True)


def test_a_worker_that_decides_by_another_bundle_than_the_one_in_force_is_named() -> None:
    (found,) = findings.of_workers([Worker(instance="returns-0", policy="cd" * 32)], {}, BUNDLE)
    assert (found.level, BUNDLE[:16] in found.says) == (Level.WARN, True)


def test_what_was_erased_and_is_held_again_fails_with_the_command_that_erases_it() -> None:
    (calm,) = findings.of_erasures(0)
    (back,) = findings.of_erasures(2)
    assert calm.level is Level.OK
    assert (back.level, back.next_command, back.says.split()[0]) == (Level.FAIL, "tocsin erase --again", "2")
