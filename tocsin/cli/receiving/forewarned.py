"""Warnings before answers leave: which of ICCAM's rules they seem to break, as far as this member can know."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

from consumers.answers import Answer, Referred, as_return
from consumers.codec import Codec
from consumers.forewarning import Standing, broken_rules
from consumers.settings import StoreSettings
from consumers.store import deliveries
from consumers.store.engine import open_to_read
from consumers.store.outbox import said_of
from schemas.catalogue import message
from schemas.failures import Failure
from schemas.records.answers import Return
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from tocsin.policy.authority import actor_of
from tocsin.policy.members import day_of
from tocsin.policy.policies import policies
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import Settings

_MOST = 200
"""Of a long file the first ones are looked at: the exchange holds all of them against the rules."""


def forewarned(answers: Sequence[Answer], process: Settings, store: StoreSettings) -> Iterator[str]:
    """One sentence for each rule; where the store, the registry or the policy cannot be asked, the exchange decides."""
    outcomes = [answer for answer in answers if answer.answer == "outcome"][:_MOST]
    if not outcomes:
        return
    try:
        yield from _warnings(outcomes, process, store)
    except Failure as failure:
        yield f"Could not look for broken rules beforehand: {failure}"


def _warnings(outcomes: Sequence[Answer], process: Settings, settings: StoreSettings) -> Iterator[str]:
    member, now_ms = MemberId(process.principal), time.time_ns() // 1_000_000
    codec = RecordCodec(SchemaDirectory(process.registry))
    standing = partial(
        actor_of, member, bundle=policies(process.policy, process.policy_trust).at(now_ms), on=day_of(now_ms)
    )
    store = open_to_read(settings, member)
    if store is None:
        return
    try:
        with store.begin() as connection:
            for answer in outcomes:
                delivery = deliveries.find(connection, answer.referral_id)
                if delivery is not None and delivery.value is not None:
                    about = Referred(report_id=delivery.report_id, revision=delivery.revision, mark=delivery.mark)
                    said = as_return(answer, member, about, now_ms)
                    earlier = [
                        one for one in said_of(connection, answer.referral_id) if one.return_id != said.return_id
                    ]
                    yield from _sentences(said, _read(codec, delivery.value), earlier, standing)
    finally:
        store.close()


def _sentences(said: Return, referral: Referral, earlier: Sequence[Return], standing: Standing) -> Iterator[str]:
    for code in broken_rules(said, referral, earlier, standing):
        yield f"warning: {said.referral_id}: {message(code)} [{code}] It is sent, and the exchange decides."


def _read(codec: Codec, value: bytes) -> Referral:
    return codec.loads(value, Referral)
