"""What the broker makes of certificates: the right member's open what is its own, all others open nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from schemas.failures import Temporary
from schemas.records.identifiers import JurisdictionCode, MemberId
from schemas.topics import escalated_topic, referral_topic, returns_topic, status_topic, submitted_topic
from tocsin.runtime.settings import KafkaSettings
from tocsin.stack.certificates import Authority, Pair
from tocsin.stack.provision import Provisioner

pytestmark = pytest.mark.stack

MEMBER: Final = MemberId("us-hotline")
OTHER: Final = MemberId("gb-hotline")
PLACES: Final = {MEMBER: JurisdictionCode("us"), OTHER: JurisdictionCode("gb")}
WRITES: Final[tuple[Callable[[MemberId], str], ...]] = (submitted_topic, escalated_topic, returns_topic)


def settings_of(stack: Any, authority: Authority, pair: Pair) -> KafkaSettings:
    """What a process of ours would be told."""
    return KafkaSettings(
        bootstrap=stack.kafka.bootstrap,
        ca=authority.certificate,
        certificate=pair.certificate,
        key=pair.key,
    )


def a_pair(folder: Path, authority: Authority, principal: str, *, valid_days: tuple[int, int]) -> Pair:
    """A pair of this principal, valid between these days from now."""
    pair = Pair(*(folder / f"{principal}.{end}" for end in ("pem", "key", "bundle.pem")))
    begin, end = (datetime.now(UTC) + timedelta(days=days) for days in valid_days)
    authority.issue(principal, pair, begin, end)
    return pair


@pytest.fixture
def clients(stack: Any, tmp_path: Path) -> dict[str, dict[str, Any]]:
    """Clients that must not get in, by what is wrong with them."""
    stranger = Authority(tmp_path / "elsewhere")
    expired = a_pair(tmp_path, stack.authority, "ops", valid_days=(-30, -1))
    early = a_pair(tmp_path, stack.authority, "triage", valid_days=(2, 30))
    foreign = a_pair(tmp_path, stranger, "returns", valid_days=(-1, 30))
    return {
        "expired": settings_of(stack, stack.authority, expired).client(),
        "not valid yet": settings_of(stack, stack.authority, early).client(),
        "of another authority": settings_of(stack, stack.authority, foreign).client(),
        "absent": {
            "bootstrap.servers": stack.kafka.bootstrap,
            "security.protocol": "ssl",
            "ssl.ca.location": str(stack.authority.certificate),
        },
        "plaintext": {"bootstrap.servers": stack.kafka.bootstrap},
    }


@pytest.mark.parametrize("wrong", ["expired", "not valid yet", "of another authority", "absent", "plaintext"])
def test_a_certificate_that_is_not_good_opens_nothing(clients: dict[str, dict[str, Any]], wrong: str) -> None:
    with pytest.raises(Temporary, match="The broker did not do as it was asked") as caught:
        Provisioner(clients[wrong] | {"log_level": 0}, timeout_seconds=3).plan(())
    assert caught.value.code == "kafka.away"


def outcome(client: dict[str, Any], topic: str) -> KafkaError | None:
    """What became of one record."""
    outcomes: list[KafkaError | None] = []
    producer = Producer(client | {"log_level": 0})
    producer.produce(topic, b"x", on_delivery=lambda error, _: outcomes.append(error))
    producer.flush(30)
    return outcomes[0]


@pytest.mark.parametrize("topic_of", WRITES)
def test_a_member_writes_where_it_is_the_owner_and_nowhere_else(
    stack: Any, topic_of: Callable[[MemberId], str]
) -> None:
    assert outcome(stack.client(MEMBER), topic_of(MEMBER)) is None
    refused = outcome(stack.client(MEMBER), topic_of(OTHER))
    assert refused is not None
    assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_no_member_writes_what_only_triage_or_returns_may(stack: Any) -> None:
    for topic in (
        referral_topic(PLACES[MEMBER], MEMBER),
        status_topic(MEMBER),
        "triaged.v1",
        f"dlq.{submitted_topic(MEMBER)}",
    ):
        refused = outcome(stack.client(MEMBER), topic)
        assert refused is not None, topic
        assert refused.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def reads(client: dict[str, Any], group: str, topic: str) -> bool:
    """Whether this client may read this topic: it must be shown to it, and fetching must meet no denial."""
    consumer = Consumer(client | {"group.id": group, "log_level": 0, "auto.offset.reset": "earliest"})
    try:
        if consumer.list_topics(topic, timeout=10).topics[topic].error is not None:
            return False
        consumer.assign([TopicPartition(topic, 0, 0)])
        for _ in range(30):
            message = consumer.poll(0.1)
            error = message.error() if message else None
            if error and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
                return False
    finally:
        consumer.close()
    return True


@pytest.mark.parametrize("topic_of", [lambda member: referral_topic(PLACES[member], member), status_topic])
def test_a_member_reads_what_is_for_it_and_nothing_of_others(stack: Any, topic_of: Callable[[MemberId], str]) -> None:
    assert reads(stack.client(MEMBER), f"{MEMBER}.test", topic_of(MEMBER))
    assert not reads(stack.client(MEMBER), f"{MEMBER}.test", topic_of(OTHER))


def test_a_member_reads_neither_reports_nor_what_was_triaged(stack: Any) -> None:
    for topic in (submitted_topic(MEMBER), "triaged.v1", f"dlq.{submitted_topic(MEMBER)}"):
        assert not reads(stack.client(MEMBER), f"{MEMBER}.test", topic), topic


def test_a_member_cannot_join_a_group_of_another(stack: Any) -> None:
    consumer = Consumer(stack.client(MEMBER) | {"group.id": f"{OTHER}.inbox", "log_level": 0})
    consumer.subscribe([status_topic(MEMBER)])
    heard: list[int] = []
    try:
        for _ in range(100):
            message = consumer.poll(0.1)
            error = message.error() if message else None
            heard += [error.code()] if error else []
            if KafkaError.GROUP_AUTHORIZATION_FAILED in heard:
                return
    except KafkaException as error:
        heard.append(error.args[0].code())
    finally:
        consumer.close()
    assert KafkaError.GROUP_AUTHORIZATION_FAILED in heard
