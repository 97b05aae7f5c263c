"""From reports to sinks: whatever members share and agreed to, nothing new of a content is ever held back in full."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Final, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from consumers.agreement import Agreement, Treatment
from consumers.states import GOT
from processors.index.memory import MemoryIndex
from processors.index.port import PriorRecipient
from processors.referring import Desk
from processors.steps.deduplicate.near import Veil
from processors.triage import Tools, TriageStages
from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReportId, report_id_of
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.sealing import unsealed_part
from schemas.topics import submitted_topic
from tests.builders.deliveries import CODEC, Counter
from tests.builders.identity import KEYS
from tests.builders.policy import the_sample
from tests.builders.reports import (
    NOON_MS,
    a_hash,
    a_hosting,
    a_nexus_claim,
    a_personal_part,
    a_report,
    a_source_url,
    a_withdrawal,
    an_account,
    an_instant,
    an_item,
)
from tocsin.runtime.database import Database
from tocsin.runtime.transport.slices import RawRecord, Slice

RECIPIENTS: Final = (MemberId("nl-hotline"), MemberId("nl-police"))
SUBMITTERS: Final = (MemberId("plat-a"), MemberId("ngo-b"), MemberId("fr-hotline"))
PERIOD_SECONDS: Final = 3_600
Fact = tuple[str, str]
"""A content (item or page) and what is told of it; a content alone has an empty second part."""


class Told(Struct, frozen=True, kw_only=True):
    """One report in a few words, from which both the report and what is new in it follow."""

    number: int
    submitter: MemberId
    items: frozenset[tuple[int, str]]
    """A picture, and what it is recognised by here."""
    page: int
    circumstance: str
    """What else it tells: an account, a nexus, a gate or an incident time; most tell nothing."""

    def facts(self) -> set[Fact]:
        """What the report says of each of its contents."""
        contents = {f"item-{picture}-{by}" for picture, by in self.items} | (
            {f"page-{self.page}"} if self.page else set()
        )
        return set(product(contents, {"", self.circumstance}))

    def report(self) -> ReportSubmitted:
        """The same as it is submitted."""
        return a_report(
            submitter=self.submitter,
            submitter_reference=f"case-{self.number}",
            source_url=a_source_url(url=f"https://forum.example.test/{self.page}", hosting=HOSTED)
            if self.page
            else None,
            items=tuple(_item(n, *each) for n, each in enumerate(sorted(self.items))),
            **CIRCUMSTANCES[self.circumstance],
        )


HOSTED: Final = a_hosting(country=CountryCode("NL"))


CIRCUMSTANCES: Final[dict[str, dict[str, Any]]] = {
    "": {},
    "account": {"sealed": (unsealed_part(a_personal_part(accounts=(an_account(),)), MemberId(""), 1),)},
    "nexus": {"nexus": (a_nexus_claim(country=CountryCode("BE")),)},
    "gate": {"incident_types": ("csam", "trafficking")},
    "incident": {"incident_at": an_instant(NOON_MS - 1)},
}


def _item(number: int, picture: int, by: str) -> Any:
    hashes = {"sha256": (a_hash(value=f"{picture:064x}"),), "md5": (a_hash(algorithm="md5", value=f"{picture:032x}"),)}
    return an_item(
        content_id=ContentId(f"item-{number}"),
        url=f"https://files.example.test/{picture}" if by == "url" else "",
        hosting=HOSTED,
        hashes=hashes.get(by, ()),
    )


BY: Final = ("url", "sha256", "md5")
TOLD = st.builds(
    Told,
    number=st.just(0),
    submitter=st.sampled_from(SUBMITTERS),
    items=st.sampled_from([frozenset({(1, "url")})] * 3 + [frozenset({(1, "url"), (2, by)}) for by in BY]),
    page=st.sampled_from([0, 0, 0, 1]),
    circumstance=st.sampled_from([*CIRCUMSTANCES, *[""] * 4]),
)
AGREEMENTS = st.builds(
    Agreement,
    known_content=st.sampled_from([Treatment.COUNT, Treatment.COUNT, Treatment.BUNDLE, Treatment.DELIVER]),
    bundle_period_seconds=st.just(PERIOD_SECONDS),
    selectors=st.sampled_from([("url", "sha256", "sha512"), ("url",)]),
    window_seconds=st.sampled_from([None, None, 60]),
)


class Exchange:
    """The steps without a broker: what is submitted comes back as referrals."""

    def __init__(self) -> None:
        self._held: dict[ReportId, dict[MemberId, PriorRecipient]] = {}
        self._offset = 0
        desk = Desk(bundle=the_sample(), keys=KEYS, personal_schema_id=1)
        index = MemoryIndex(lambda report: tuple(self._held.get(report, {}).values()))
        self._stages = TriageStages(Tools(desk=desk, veil=Veil(b"v"), codec=CODEC), index, cast(Database, None), {})

    def submit(self, record: ReportSubmitted | Withdrawal) -> tuple[Referral, ...]:
        raw = RawRecord(offset=self._offset, timestamp_ms=NOON_MS, key=b"k", value=CODEC.dumps(record), headers=())
        self._offset += 1
        piece = Slice(topic_id="t", topic=submitted_topic(record.submitter), partition=0, records=(raw,))
        (answer,) = self._stages.finish(self._stages.claim(self._stages.decide(piece))).answers
        assert answer.dead_letter is None
        for made in answer.referrals:
            self._held.setdefault(made.report_id, {})[made.recipient] = PriorRecipient(
                made.recipient, made.jurisdiction
            )
        return answer.referrals


@contextmanager
def counters(agreement: Agreement) -> Iterator[dict[MemberId, Counter]]:
    with ExitStack() as stack:
        made = {}
        for member in RECIPIENTS:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            made[member] = Counter(folder=Path(folder), agreement=agreement, member=member)
            stack.callback(made[member].close)
        yield made


@settings(max_examples=80, deadline=None)
@given(st.lists(TOLD, min_size=2, max_size=6), AGREEMENTS, st.data())
def test_in_any_order_every_content_and_all_that_is_new_of_it_arrives_in_full(
    drawn: list[Told], agreement: Agreement, data: st.DataObject
) -> None:
    """Each member gets each content that it is entitled to, and each account, nexus, gate and time told of it."""
    told = {n: Told(**{**_fields(each), "number": n}) for n, each in enumerate(drawn)}
    owed: dict[MemberId, set[int]] = {member: set() for member in RECIPIENTS}
    referred: dict[MemberId, dict[str, int]] = {member: {} for member in RECIPIENTS}
    exchange = Exchange()
    with counters(agreement) as each:
        for number, one in told.items():
            for referral in exchange.submit(one.report()):
                if referral.recipient in each:
                    owed[referral.recipient].add(number)
                    referred[referral.recipient][referral.referral_id] = number
                    each[referral.recipient].arrive(referral)
            _time_passes(each, data)
            if data.draw(st.booleans(), label="something is taken back"):
                back = data.draw(st.sampled_from(range(number + 1)), label="which")
                for referral in exchange.submit(_withdrawal(told[back])):
                    if referral.recipient in each:
                        owed[referral.recipient].discard(back)
                        each[referral.recipient].arrive(referral)
                _time_passes(each, data)
        for member, counter in each.items():
            _until_all_left(counter)
            has = {number for key, number in referred[member].items() if _in_full(counter, key)} & owed[member]
            assert _facts(told, has) == _facts(told, owed[member])


def _fields(told: Told) -> dict[str, Any]:
    return {name: getattr(told, name) for name in Told.__struct_fields__}


def _withdrawal(told: Told) -> Withdrawal:
    reference = f"case-{told.number}"
    return a_withdrawal(
        report_id=report_id_of(told.submitter, reference),
        submitter=told.submitter,
        submitter_reference=reference,
        revision=2,
    )


def _time_passes(each: dict[MemberId, Counter], data: st.DataObject) -> None:
    for counter in each.values():
        if data.draw(st.sampled_from([True, True, False]), label="the courier runs"):
            counter.courier.turn()
        counter.clock.now_ms += data.draw(st.sampled_from([0, 1_000, 100_000]), label="time passes")


def _until_all_left(counter: Counter) -> None:
    for _ in range(6):
        counter.courier.turn()
        counter.clock.now_ms += PERIOD_SECONDS * 1000


def _in_full(counter: Counter, key: str) -> bool:
    """By itself, and not as a member of a bundle."""
    return counter.find(key).state in GOT and key in counter.sink.keys


def _facts(told: dict[int, Told], numbers: set[int]) -> set[Fact]:
    return {fact for number in numbers for fact in told[number].facts()}
