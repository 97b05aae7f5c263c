"""Returns on their way to the broker: what cannot be signed now waits, and stops nothing else."""

import logging
from pathlib import Path

import pytest

from consumers.post import Post
from consumers.store import outbox
from schemas.failures import Temporary
from tests.builders import counted
from tests.builders.deliveries import CODEC, Counter
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.told import outcomes
from tocsin.runtime.envelope import Envelope
from tocsin.runtime.keys.signer import Signer
from tocsin.runtime.settings import TrustSettings
from tocsin.stack.keys import LocalKeys

HOUR_MS = 3_600_000
BROKER = {"test.mock.num.brokers": 1, "bootstrap.servers": "mock"}


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """With one referral delivered, so that one Return is owed."""
    made = Counter(folder=tmp_path / "store")
    made.arrive(a_referral("case-1"))
    made.courier.turn()
    return made


def a_post(counter: Counter, folder: Path) -> Post:
    """Whose keys begin at this instant of the clock."""
    keys = LocalKeys(folder)
    keys.provide([RECIPIENT], counter.clock.now_ms)
    trust = TrustSettings(keys=keys.folder(RECIPIENT), directory=keys.keeper.file, keeper=str(keys.keeper.key))
    signer = Signer(trust, RECIPIENT, counter.clock)
    return Post(counter.store, BROKER, Envelope(member=RECIPIENT, codec=CODEC, signer=signer), counter.clock)


def owed(counter: Counter) -> int:
    with counter.store.begin() as connection:
        return outbox.owed_count(connection)


def test_returns_wait_while_the_clock_is_before_every_key_and_leave_when_it_is_right(
    counter: Counter, tmp_path: Path
) -> None:
    post = a_post(counter, tmp_path / "keys")
    counter.clock.now_ms -= HOUR_MS
    with pytest.raises(Temporary, match="no signing key"):
        post.turn()
    assert post.turn() == 0, "it rests instead of asking again at once"
    assert owed(counter) == 1
    counter.clock.now_ms += HOUR_MS
    before = counted.timed("returns_sent"), counted.left("returns_sent", "confirmed")
    assert post.turn() == 1
    assert owed(counter) == 0
    assert post.turn() == 0
    assert counted.timed("returns_sent") - before[0] == 1, "a turn with nothing to send is none"
    assert counted.left("returns_sent", "confirmed") - before[1] == 1
    counter.close()


def test_each_return_that_the_broker_has_is_one_line_of_the_log(
    counter: Counter, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    post = a_post(counter, tmp_path / "keys")
    with caplog.at_level(logging.INFO, logger="consumers.post"):
        assert post.turn() == 1
    (line,) = outcomes(caplog.records, "consumers.post")
    assert (line["stage"], line["outcome"], line["said"]) == ("returns_sent", "confirmed", "delivered")
    delivery = counter.find(a_referral("case-1").referral_id)
    assert (line["report_id"], line["revision"]) == (delivery.report_id, delivery.revision)
    counter.close()


def test_a_rest_that_began_when_the_clock_was_ahead_is_over_when_it_is_right(counter: Counter, tmp_path: Path) -> None:
    post = a_post(counter, tmp_path / "keys")
    counter.clock.now_ms -= HOUR_MS
    with pytest.raises(Temporary):
        post.turn()
    counter.clock.now_ms -= HOUR_MS
    with pytest.raises(Temporary):
        post.turn()
    counter.close()
