"""Whatever a member agreed to about duplicates, nothing new of a content is ever held back from it in full."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.agreement import Agreement, Treatment
from consumers.states import GOT
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral

CONTENT = st.frozensets(st.sampled_from(["url:1", "url:2", "sha256:1", "sha256:2"]), max_size=3)
CIRCUMSTANCES = st.frozensets(st.sampled_from(["account", "nexus", "gate", "incident"]), max_size=2)
REPORTS = st.lists(st.tuples(CONTENT, CIRCUMSTANCES), min_size=1, max_size=7)
SELECTORS = st.sampled_from([("url",), ("sha256",), ("url", "sha256", "sha512")])
PERIOD_SECONDS = 3_600


@contextmanager
def a_counter(agreement: Agreement) -> Iterator[Counter]:
    with tempfile.TemporaryDirectory() as folder:
        counter = Counter(folder=Path(folder), agreement=agreement)
        try:
            yield counter
        finally:
            counter.close()


@settings(max_examples=40)
@given(REPORTS, st.sampled_from(Treatment), SELECTORS, st.sampled_from([None, 60, 100_000]), st.data())
def test_whatever_the_order_every_content_and_every_new_circumstance_arrives_in_full(
    reports: list[tuple[frozenset[str], frozenset[str]]],
    treatment: Treatment,
    selectors: tuple[str, ...],
    window_seconds: int | None,
    data: st.DataObject,
) -> None:
    agreement = Agreement(
        known_content=treatment,
        bundle_period_seconds=PERIOD_SECONDS,
        selectors=selectors,
        window_seconds=window_seconds,
    )
    made = [
        a_referral(f"case-{number}", content_keys=tuple(sorted(content)), circumstance_keys=tuple(sorted(told)))
        for number, (content, told) in enumerate(reports)
    ]
    with a_counter(agreement) as counter:
        for referral in made:
            counter.arrive(referral)
            if data.draw(st.booleans(), label="the courier runs in between"):
                counter.courier.turn()
            counter.clock.now_ms += data.draw(st.sampled_from([0, 1_000, 100_000]), label="time passes")
        run_until_all_left(counter)
        in_full = [referral for referral in made if sent(counter, referral)]
    assert union(in_full, agreement) == union(made, agreement)


def run_until_all_left(counter: Counter) -> None:
    for _ in range(6):
        counter.courier.turn()
        counter.clock.now_ms += PERIOD_SECONDS * 1000


def sent(counter: Counter, referral: Referral) -> bool:
    """By itself, and not as a member of a bundle."""
    return counter.find(referral.referral_id).state in GOT and referral.referral_id in counter.sink.keys


def union(referrals: list[Referral], agreement: Agreement) -> tuple[set[str], set[str]]:
    content = {key for referral in referrals for key in agreement.keys_of(referral)}
    return content, {key for referral in referrals for key in referral.circumstance_keys}
