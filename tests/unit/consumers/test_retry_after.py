"""A receiver that asks to be left alone is left alone that long, and never for longer than an hour."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.sinks.https import Endpoint, HttpsSink, wait_seconds_of
from consumers.sinks.port import LONGEST_WAIT_SECONDS, Later
from consumers.states import State
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral
from tests.builders.sinks import SECRET, a_parcel

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 0),
        ("120", 120),
        (" 120 ", 120),
        ("999999999", LONGEST_WAIT_SECONDS),
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 300),
        (format_datetime(NOW - timedelta(minutes=5), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), LONGEST_WAIT_SECONDS),
        ("soon", 0),
        ("-5", 0),
        ("Mon, 99 Foo 2026", 0),
        (f"Mon, 01 Jan {10**20} 00:00:00 GMT", 0),
    ],
)
def test_seconds_and_dates_are_understood_and_everything_else_is_ignored(said: str, seconds: float) -> None:
    assert wait_seconds_of(said, NOW) == seconds


SHAPED = st.builds(
    "Mon, {} Jan {} {}:{}:00 {}".format, *[st.integers(-1, 10**20)] * 4, st.sampled_from(["GMT", "+0100", "-9999999"])
)


@given(st.text() | st.text("0123456789") | SHAPED)
def test_whatever_a_receiver_says_the_wait_is_bounded(said: str) -> None:
    assert 0 <= wait_seconds_of(said, NOW) <= LONGEST_WAIT_SECONDS


@pytest.mark.parametrize("status", [429, 503])
def test_the_header_of_an_answer_becomes_the_wait_of_the_failure(status: int) -> None:
    said = {"Retry-After": "90"}
    answers = httpx.MockTransport(lambda _: httpx.Response(status, headers=said, stream=httpx.ByteStream(b"later")))
    endpoint = Endpoint(url="https://93.184.216.34/", secret=SECRET)
    sink = HttpsSink(endpoint, httpx.Client(transport=answers), lambda: NOW)
    with pytest.raises(Later) as failed:
        sink.send(a_parcel())
    assert failed.value.wait_seconds == 90


def test_the_next_try_comes_when_the_receiver_allows_it_and_not_before(counter: Counter) -> None:
    referral = a_referral()
    counter.sink.failures.append(Later("not now", code="sink.status_retryable", wait_seconds=90))
    counter.arrive(referral)
    counter.courier.turn()
    counter.clock.now_ms += 89_000
    assert counter.courier.turn() == 0
    counter.clock.now_ms += 1_001
    assert counter.courier.turn() == 1
    assert counter.find(referral.referral_id).state is State.DELIVERED
