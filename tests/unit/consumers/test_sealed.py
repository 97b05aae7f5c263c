"""What is sealed to a member lies sealed in its store, opens on the way to its sinks, and waits where it cannot."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from consumers.states import State
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import a_personal_part, an_account
from tests.builders.sealing import Exchange

OTHER = MemberId("fr-police")
MARKER = "marker-7f3a"


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return Exchange(tmp_path / "keys", RECIPIENT, OTHER)


@pytest.fixture
def counter(open_counter: Callable[..., Counter], exchange: Exchange) -> Counter:
    return open_counter(opened=exchange.opener(RECIPIENT).referral)


def a_sealed_referral(exchange: Exchange) -> Referral:
    return exchange.sealed(a_referral(), a_personal_part(accounts=(an_account(value=MARKER),)))


def test_the_store_holds_it_sealed_and_the_sink_gets_it_open(counter: Counter, exchange: Exchange) -> None:
    referral = a_sealed_referral(exchange)
    counter.arrive(referral)
    counter.courier.turn()
    (parcel,) = counter.sink.sent
    (written,) = msgspec.json.decode(parcel.document.body)["referral"]["personal"]
    assert written["accounts"][0]["value"] == MARKER
    stored = [file.read_bytes() for file in counter.folder.rglob("*") if file.is_file()]
    assert stored
    assert not any(MARKER.encode() in content for content in stored)


def test_what_does_not_open_waits_for_a_person_and_stops_no_other(counter: Counter, exchange: Exchange) -> None:
    referral = a_sealed_referral(exchange)
    moved = msgspec.structs.replace(a_referral("another"), sealed=referral.sealed)
    counter.arrive(moved, referral)
    counter.courier.turn()
    waiting = counter.find(moved.referral_id)
    assert (waiting.state, waiting.reason_code) == (State.PARKED, "sealed.damaged")
    assert counter.sink.keys == [referral.referral_id]
