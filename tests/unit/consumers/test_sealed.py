"""What is sealed to a member lies sealed in its store, opens on the way to its sinks, and waits where it cannot."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from consumers.inbox import Terms
from consumers.states import State
from schemas.codec import encode
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.proofs import DIRECTORY, a_report_on, with_part
from tests.builders.referrals import RECIPIENT, a_referral
from tests.builders.reports import NOON_MS, a_personal_part, an_account
from tests.builders.sealing import Exchange
from tests.unit.consumers.test_provenance import released
from tocsin.runtime.keys.sealing import sealed_for

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


def a_proven_referral(exchange: Exchange, value: str = MARKER) -> Referral:
    """Sealed to its recipient with what it is checked with; inside, perhaps another account than was signed."""
    personal = a_personal_part(accounts=(an_account(value=MARKER),))
    report = a_report_on(personal)
    referral = with_part(released(report), report, personal)
    inside = encode(replace(personal, accounts=(an_account(value=value),)))
    key = exchange.sealer().key_of(RECIPIENT, NOON_MS)
    assert key is not None
    part = replace(referral.sealed[0], ciphertext=inside, audience=RECIPIENT)
    return replace(referral, sealed=(sealed_for(referral, part, key),))


def listens(counter: Counter, exchange: Exchange) -> None:
    """With the directory of keys, and the member's own."""
    terms = Terms(
        member=counter.member,
        agreement=counter.agreement,
        limits=counter.limits,
        now_ms=counter.clock,
        directory=lambda: DIRECTORY,
        opened=exchange.opener(RECIPIENT).referral,
    )
    counter.inbox.agree(terms)


def test_the_inbox_alarms_of_what_was_changed_inside_names_the_field_and_stores_it_sealed(
    counter: Counter, exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    listens(counter, exchange)
    counter.arrive(a_proven_referral(exchange))
    assert caplog.messages == []
    altered = replace(a_proven_referral(exchange, "planted"), ruling=1)
    counter.arrive(altered)
    (said,) = caplog.messages
    assert "Personal part: This is not what plat-a signed" in said
    assert "personal.accounts[0].value" in said
    assert not {MARKER, "planted"} & set(said.split())
    stored = [file.read_bytes() for file in counter.folder.rglob("*") if file.is_file()]
    assert not any(text.encode() in content for text in (MARKER, "planted") for content in stored)


def test_a_part_that_does_not_open_is_no_alarm_of_a_signature(
    counter: Counter, exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    listens(counter, exchange)
    referral = a_proven_referral(exchange)
    counter.arrive(replace(referral, sealed=(replace(referral.sealed[0], proof=b"\x00" * 40),)))
    assert caplog.messages == []
    counter.courier.turn()
    assert counter.find(referral.referral_id).reason_code == "sealed.damaged"
