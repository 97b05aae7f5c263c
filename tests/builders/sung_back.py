"""Canaries in what a recipient answers, signed as it signs, and in what an operator types beside its commands."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from confluent_kafka import Producer
from msgspec import Struct
from msgspec.structs import replace

from schemas.disclosure import Audience
from schemas.records.answers import Return, ReturnKind
from schemas.records.identifiers import MemberId
from schemas.topics import returns_topic
from tests.builders.answering import a_full_return, may_read, sayings
from tests.builders.planting import CANARY, field_of, planted, strings
from tests.builders.signing import a_signer
from tests.builders.sung import Planted
from tocsin.runtime.registry import RecordCodec, SchemaDirectory
from tocsin.runtime.settings import load

RECIPIENT: Final = MemberId("nl-hotline")
BACK: Final = returns_topic(RECIPIENT)
ANSWERED_FROM, TYPED_FROM = 4_000, 8_000
"""Numbers of canaries below these are those of reports, and below the second one those of answers."""
_KINDS: Final = {ReturnKind.QUESTION, ReturnKind.OUTCOME, ReturnKind.ESCALATED, ReturnKind.PARKED}
"""What is told, what is decided again, and what waits for a person; the others go the way of one of these."""


class Referred(Struct, frozen=True, kw_only=True):
    """A referral that its recipient has, and the report that it is of."""

    referral_id: str
    report_id: str


def referred(files: Path) -> list[Referred]:
    """What a directory sink was given, in the order of its names."""
    found = (json.loads(file.read_text("utf-8")).get("referral") for file in sorted(files.glob("[!.]*.json")))
    return [Referred(referral_id=one["referral_id"], report_id=one["report_id"]) for one in found if one]


def answers(about: Referred, left: Referred) -> Mapping[int, Planted]:
    """Each text of each of them under the number of its canary; no two have one id. The second one nobody takes up."""
    said = [one for one in sayings(RECIPIENT, about.referral_id, about.report_id) if _is_wanted(one)]
    said.append(_for_a_person(left))
    places = [(record, path) for record in said for path in strings(record)]
    return {number: _planted(number, *place) for number, place in enumerate(places, ANSWERED_FROM)}


def _is_wanted(said: Struct) -> bool:
    return not isinstance(said, Return) or said.kind in _KINDS


def _for_a_person(left: Referred) -> Return:
    """Where the policy leaves nobody in line, it waits in the operators' queue."""
    whole = a_full_return(ReturnKind.ESCALATED, RECIPIENT, "said-late", left.referral_id, left.report_id)
    return replace(whole, addressee=MemberId(""))


def _planted(number: int, record: Any, path: Any) -> Planted:
    own = planted(record, (record.__struct_fields__[0],), f"said-{number}")
    return Planted(
        record=planted(own, path, f"{CANARY}-{number:04}"),
        field=field_of(record, path),
        ceiling=may_read(record, path),
        personal=False,
        refused=False,
    )


def send_back(stack: Any, found: Mapping[int, Planted]) -> None:
    """Sign and produce each to the recipient's own topic."""
    settings = load(stack.config(RECIPIENT))
    codec = RecordCodec(SchemaDirectory(settings.registry))
    producer, signer = Producer(stack.client(RECIPIENT)), a_signer(stack.config(RECIPIENT))
    for number, one in found.items():
        value = codec.dumps(one.record)
        headers: Any = signer.headers(type(one.record), value)
        producer.produce(BACK, value=value, key=str(number).encode(), headers=headers)
    assert producer.flush(30) == 0


def typed(commands: Sequence[tuple[str, ...]]) -> tuple[Mapping[int, Planted], list[tuple[str, ...]]]:
    """The commands with a canary for each word that is `?`; it is for operators alone."""
    found: dict[int, Planted] = {}
    written = []
    for command in commands:
        words: list[str] = []
        for word in command:
            if word == "?":
                number = TYPED_FROM + len(found)
                found[number] = _typed(command[0], words[-1])
                word = f"{CANARY}-{number:04}"  # noqa: PLW2901 -- the one word that is filled in
            words.append(word)
        written.append(tuple(words))
    return found, written


def _typed(command: str, option: str) -> Planted:
    operator: frozenset[str] = frozenset({Audience.OPERATOR})
    return Planted(
        record=Referred(referral_id="", report_id=""),
        field=(command, option),
        ceiling=operator,
        personal=False,
        refused=False,
    )
