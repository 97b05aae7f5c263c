"""On the real stack: rules that were promoted take effect at their instant, in both lanes, and for no older record."""

import time
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from processors.promoted import PromotionWatch, act_of
from schemas.failures import Broken
from schemas.records.identifiers import MemberId
from schemas.records.triage import ReportTriaged
from tests.builders.commands import a_crew
from tests.builders.drafts import a_draft
from tests.builders.homes import a_home_with
from tests.builders.policy import a_folder
from tests.builders.promotions import Chancery, a_chancery, another_bundle, trust_text
from tests.builders.reports import an_escalation
from tocsin.policy.bundle import SAMPLE
from tocsin.publisher import Publisher
from tocsin.runtime import settings
from tocsin.runtime.audit.disclosed import Wanted, disclosed
from tocsin.runtime.database import database_of
from tocsin.runtime.ledger.workers import running
from tocsin.stack.decisions import decisions
from tocsin.stack.doctor.examining import examine

pytestmark = pytest.mark.stack
MEMBER = MemberId("ngo-b")
LEAD_SECONDS = 4


@pytest.fixture
def stack(busy_stack: Any) -> Any:
    return busy_stack


@pytest.fixture
def chancery(tmp_path: Path) -> Chancery:
    made = a_chancery(tmp_path)
    trust = made.trust()
    keys = {name: signer.public_key for name, signer in trust.signer.items()}
    made.trust_file.write_text(trust_text(trust.first, keys, LEAD_SECONDS), "utf-8")
    return made


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def references(lane: str, count: int) -> list[str]:
    return [f"{lane}-{number}-{now_ms()}" for number in range(count)]


def publish(publisher: Publisher, lane: str, names: list[str]) -> None:
    for name in names:
        urgent = {"escalation": an_escalation()} if lane == "escalated" else {}
        publisher.publish(a_draft(submitter_reference=name, **urgent))
    publisher.flush()


def triaged(home: Path, names: list[str]) -> list[ReportTriaged]:
    """The decisions on them, once all are made."""
    process = settings.load(home / "config" / "ops.toml")
    database, deadline = database_of(process), time.monotonic() + 60
    try:
        while True:
            with database.transaction() as connection:
                rows = connection.execute(_DECIDED, {"names": names}).all()
            if len(rows) == len(names):
                break
            assert time.monotonic() < deadline, f"{len(rows)} of {len(names)} were decided"
            time.sleep(0.5)
        with decisions(process) as read:
            found = [read.find(name).triaged for name in names]
    finally:
        database.close()
    assert {row.submitter_reference: row.policy for row in rows} == {
        one.submitter_reference: one.policy.bundle for one in found
    }
    return found


_DECIDED = text("select submitter_reference, policy from decisions where submitter_reference = any(:names)")


def test_records_before_and_after_the_instant_are_decided_by_the_right_bundle_in_both_lanes(
    stack: Any, chancery: Chancery, tmp_path: Path
) -> None:
    home = a_home_with(stack, chancery)
    sent: dict[str, list[str]] = defaultdict(list)
    with a_crew(home, tmp_path / "logs") as crew, Publisher(stack.config(MEMBER)) as publisher:
        for lane in ("normal", "escalated"):
            crew.start(lane, ("triage", "--lane", lane))
            publish(publisher, lane, first := references(f"first-{lane}", 3))
            triaged(home, first)
        instant_ms = now_ms() + (LEAD_SECONDS + 2) * 1000
        made = chancery.promoted(another_bundle(tmp_path / "new", "nl-hotline"), instant_ms, now_ms())
        while now_ms() < instant_ms + 3000:
            for lane in ("normal", "escalated"):
                names = references(lane, 2)
                publish(publisher, lane, names)
                sent[lane] += names
            time.sleep(0.2)
        for names in sent.values():
            found = triaged(home, names)
            expected = {True: made.digest, False: chancery.trust().first}
            times = [(one.triaged_as_of.epoch_ms >= instant_ms, one.policy.bundle) for one in found]
            assert {digest for _, digest in times} == set(expected.values()), "both were in force meanwhile"
            assert all(digest == expected[is_after] for is_after, digest in times)
            by_new = [one for one in found if one.policy.bundle == made.digest]
            assert all("nl-hotline" not in {to.member for to in one.recipients} for one in by_new)
        assert not crew.ended(), "no worker was restarted for it"


def test_workers_that_run_read_a_promoted_members_reports_and_answers_within_seconds(
    stack: Any, chancery: Chancery, tmp_path: Path
) -> None:
    (tmp_path / "small").mkdir()
    small = a_folder(tmp_path / "small", without("ngo-b"))
    (small / "profiles" / "ngo-b.toml").unlink()
    first = chancery.store.add(small).digest
    chancery.trust_file.write_text(chancery.trust_file.read_text("utf-8").replace(chancery.trust().first, first))
    home = a_home_with(stack, chancery)
    arguments = {"normal": ("triage", "--lane", "normal"), "returns": ("returns",)}
    with a_crew(home, tmp_path / "logs") as crew, Publisher(stack.config(MEMBER)) as publisher:
        for name, words in arguments.items():
            crew.start(name, words)
        until_there(home, {"triage-normal-0", "returns-0"}, first)
        instant_ms = now_ms() + (LEAD_SECONDS + 1) * 1000
        made = chancery.promoted(SAMPLE, instant_ms, now_ms())
        time.sleep((instant_ms - now_ms()) / 1000 + 0.5)
        publish(publisher, "normal", names := references("newcomer", 3))
        assert {one.policy.bundle for one in triaged(home, names)} == {made.digest}
        until_there(home, {"triage-normal-0", "returns-0"}, made.digest)
        assert all("Beginning again" in crew.log(name).read_text("utf-8") for name in arguments)
        assert not crew.ended(), "no manager had to start them again"


def without(member: str) -> tuple[str, str, str]:
    """The edit that takes a member out of the sample."""
    tail = (SAMPLE / "members.toml").read_text("utf-8").partition(f"[{member}]")[2]
    return "members.toml", f"[{member}]{tail.partition('[')[0]}", ""


def until_there(home: Path, instances: set[str], policy: str) -> None:
    """Those workers run, and say that they decide by that bundle."""
    process = settings.load(home / "config" / "ops.toml")
    database, deadline = database_of(process), time.monotonic() + 60
    try:
        while True:
            with database.transaction() as connection:
                here = {one.instance for one in running(connection) if one.policy == policy}
            if instances <= here:
                return
            assert time.monotonic() < deadline, f"{sorted(instances - here)} do not run by it"
            time.sleep(0.3)
    finally:
        database.close()


def test_what_waited_in_the_log_is_decided_by_the_rules_of_its_own_time(
    stack: Any, chancery: Chancery, tmp_path: Path
) -> None:
    home = a_home_with(stack, chancery)
    instant_ms = now_ms() + (LEAD_SECONDS + 1) * 1000
    chancery.promoted(another_bundle(tmp_path / "new", "nl-hotline"), instant_ms, now_ms())
    with Publisher(stack.config(MEMBER)) as publisher:
        publish(publisher, "normal", old := references("waited", 3))
        assert now_ms() < instant_ms
        time.sleep((instant_ms - now_ms()) / 1000 + 0.5)
        publish(publisher, "normal", new := references("after", 3))
    with a_crew(home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        assert {one.policy.bundle for one in triaged(home, old)} == {chancery.trust().first}
        assert {one.policy.bundle for one in triaged(home, new)} != {chancery.trust().first}


def test_a_worker_refuses_a_store_that_somebody_wrote_in(stack: Any, chancery: Chancery, tmp_path: Path) -> None:
    home = a_home_with(stack, chancery)
    made = chancery.promoted(another_bundle(tmp_path / "new", "nl-hotline"), now_ms() + 60_000, now_ms())
    with (chancery.store.folder / "bundles" / made.digest / "bases.toml").open("a") as file:
        file.write("# by a stranger\n")
    with a_crew(home, tmp_path / "logs") as crew:
        crew.start("normal", ("triage", "--lane", "normal"))
        deadline = time.monotonic() + 60
        while not crew.ended():
            assert time.monotonic() < deadline, "it went on"
            time.sleep(0.5)
        assert crew.ended() == {"normal": 4}
        assert "promotion.damaged" in crew.log("normal").read_text("utf-8")


def test_a_worker_does_not_begin_where_the_last_promotion_is_gone_since(
    stack: Any, chancery: Chancery, tmp_path: Path
) -> None:
    home = a_home_with(stack, chancery)
    made = chancery.promoted(another_bundle(tmp_path / "new", "nl-hotline"), now_ms() + 60_000, now_ms())
    database = database_of(settings.load(home / "config" / "triage.toml"))
    for _ in range(2):
        PromotionWatch(chancery.policies(), database)(now_ms())
    with closing(database_of(settings.load(home / "config" / "ops.toml"))) as log, log.transaction() as connection:
        told = [one.statement for one in disclosed(connection, Wanted(person="ben"))]
    assert told.count(act_of(made)) == 1, "others promoted a bundle like it at other times"
    (chancery.store.folder / "promotions" / f"{made.name}.json").unlink()
    with pytest.raises(Broken) as caught:
        PromotionWatch(chancery.policies(), database)(now_ms())
    database.close()
    assert caught.value.code == "promotion.gone"
    assert made.name in "".join(one.says for one in examine(home, datetime.now(UTC)))
