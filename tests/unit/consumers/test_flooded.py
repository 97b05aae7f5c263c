"""A recipient that one host floods with copies of what it has gets bundles, as it agreed, and what is new at once."""

import json
from collections import Counter as Count
from collections.abc import Callable
from typing import Any

from sqlalchemy import event

from consumers.agreement import Agreement, Treatment
from consumers.store.bundles import MOST_MEMBERS
from schemas.records.referral import Referral
from tests.builders.deliveries import Counter
from tests.builders.referrals import a_referral

PERIOD_MS = 3_600_000
BUNDLING = Agreement(known_content=Treatment.BUNDLE, bundle_period_seconds=PERIOD_MS // 1000)
COPIES = 1_150
PAGE = ("url:page-of-the-host", "sha256:its-picture")


def a_copy(number: int) -> Referral:
    return a_referral(f"copy-{number}", content_keys=PAGE)


def flooded(counter: Counter, *referrals: Referral) -> None:
    counter.arrive(*referrals)
    while counter.courier.turn():
        pass


def listed(counter: Counter) -> Count[str]:
    """How often a sink has each referral, alone or in a bundle."""
    letters = [json.loads(parcel.document.body) for parcel in counter.sink.sent]
    found = [one for letter in letters for one in letter.get("referrals", [letter.get("referral")])]
    return Count(one["referral_id"] for one in found)


def test_of_a_flood_the_first_and_what_is_new_come_at_once_and_the_copies_once_each_in_full_bundles(
    open_counter: Callable[..., Counter],
) -> None:
    counter = open_counter(agreement=BUNDLING)
    first, copies = a_referral("first", content_keys=PAGE), [a_copy(number) for number in range(COPIES)]
    new = [a_referral(f"new-{number}", content_keys=(f"url:other-{number}",)) for number in range(3)]
    flooded(counter, first)
    flooded(counter, *copies[:700], *new, *copies[700:])
    assert sorted(counter.sink.keys) == sorted(one.referral_id for one in (first, *new)), "nothing waits behind a flood"
    counter.clock.now_ms += PERIOD_MS
    flooded(counter)
    bundles = [key for key in counter.sink.keys if key.startswith("bundle-")]
    assert len(bundles) == -(-COPIES // MOST_MEMBERS)
    assert listed(counter) == Count(one.referral_id for one in (first, *copies, *new)), "each once, and none is lost"


def test_the_last_copies_of_a_flood_ask_the_store_as_little_as_the_first(open_counter: Callable[..., Counter]) -> None:
    counter = open_counter(agreement=BUNDLING)
    flooded(counter, a_referral("first", content_keys=PAGE))
    asked: list[int] = []

    def asks(*_: Any) -> None:
        asked[-1] += 1

    with counter.store.begin() as connection:
        store = connection.engine
    for start in range(0, 1_000, 200):
        asked.append(0)
        if not start:
            event.listen(store, "before_cursor_execute", asks)
        counter.arrive(*map(a_copy, range(start, start + 200)))
    assert max(asked) <= min(asked) + 4, "a bundle more or less"
    assert max(asked) < 40, "by batch, not by copy"
