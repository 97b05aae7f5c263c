"""What a worker does beside its slices: a watch that ends by a failure ends the worker, instead of being missed."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    LeaderNotAvailableError,
    NodeNotReadyError,
    RequestTimedOutError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from schemas.failures import Broken, Temporary
from tocsin.runtime.transport.cluster import trouble_with
from tocsin.runtime.transport.worker import halt_if_failed


def halted_by(watch: Coroutine[Any, Any, None], *, cancels: bool = False) -> list[BaseException]:
    found: list[BaseException] = []

    async def run() -> None:
        task = asyncio.create_task(watch)
        task.add_done_callback(lambda ended: halt_if_failed(found.append, ended))
        await asyncio.sleep(0)
        if cancels:
            task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0)

    asyncio.run(run())
    return found


async def fails(failure: Exception) -> None:
    raise failure


@pytest.mark.parametrize("failure", [KeyError("of a policy"), Broken("of the ledger")])
def test_a_watch_that_fails_halts_its_worker_whatever_the_failure(failure: Exception) -> None:
    assert halted_by(fails(failure)) == [failure]


def test_a_watch_that_is_cancelled_at_a_clean_end_halts_nothing() -> None:
    assert halted_by(asyncio.sleep(60), cancels=True) == []


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (TimeoutError(), Temporary),
        (ConnectionRefusedError(), Temporary),
        (KafkaConnectionError(), Temporary),
        (LeaderNotAvailableError(), Temporary),
        (NodeNotReadyError(), Temporary),
        (RequestTimedOutError(), Temporary),
        (GroupAuthorizationFailedError(), Broken),
        (TopicAuthorizationFailedError(), Broken),
        (UnknownTopicOrPartitionError(), Broken),
    ],
)
def test_a_broker_that_does_not_answer_is_waited_for_and_a_topic_that_is_missing_halts(
    error: Exception, failure: type[Exception]
) -> None:
    assert type(trouble_with(error)) is failure
