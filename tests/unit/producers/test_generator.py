"""Synthetic reports: reproducible, valid, in the declared shares, with the truth beside and never inside them."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

import pytest

from producers.building import Checked, checked
from producers.feeds.entries import Rejection
from producers.feeds.jsonl import reader
from producers.generator.generating import Generated, Order, generate
from producers.generator.parameters import Parameters
from producers.generator.seen import BREAKAGES
from producers.generator.world import Kind
from schemas.records.identifiers import MemberId
from tests.builders.drafts import CONTEXT, as_stream
from tests.builders.reports import NOON_MS

MEMBERS = (MemberId("plat-a"), MemberId("nl-hotline"))


def made(count: int = 3_000, seed: int = 1, **shares: float) -> list[Generated]:
    order = Order(count=count, members=MEMBERS, prefix="g", now_ms=NOON_MS)
    return list(generate(order, Parameters(**shares), seed))  # type: ignore[arg-type]


def as_read(reports: Sequence[Generated]) -> list[Checked | Rejection]:
    return [checked(entry) for entry in reader.read(as_stream(*(one.content for one in reports)), CONTEXT)]


def test_the_same_seed_gives_the_same_reports_and_another_gives_others() -> None:
    assert made(200, seed=7) == made(200, seed=7)
    assert made(200, seed=7) != made(200, seed=8)


def test_every_report_is_good_unless_a_share_of_bad_ones_is_asked_for() -> None:
    assert all(isinstance(one, Checked) for one in as_read(made(1_000)))


def test_every_bad_report_is_refused_and_no_good_one_is() -> None:
    reports = made(1_000, bad=0.3, resent=0.0)
    refused = [isinstance(one, Rejection) for one in as_read(reports)]
    assert refused == [one.truth["bad"] for one in reports]


@pytest.mark.parametrize("seed", range(3))
def test_the_shares_are_those_of_the_parameters(seed: int) -> None:
    reports = made(4_000, seed)
    known = sum(one.truth["known"] for one in reports) / len(reports)
    urgent = sum(one.truth["urgent"] for one in reports) / len(reports)
    kinds = Counter(one.truth["kind"] for one in reports)
    assert 0.30 < known < 0.40
    assert 0.0005 < urgent < 0.006
    assert set(kinds) == set(Kind)
    assert {"NO", "NL", "US"} <= {one.truth["country"] for one in reports}


def test_content_of_one_host_comes_in_bursts_that_chance_alone_would_not_make() -> None:
    def longest_run(burst: float) -> int:
        new = [one for one in made(6_000, seed=2, burst=burst) if not one.truth["known"] and "items" in one.content]
        hosts = [one.content["items"][0]["hosting"]["ip_address"] for one in new]
        return max(len(list(group)) for _, group in groupby(hosts))

    assert longest_run(burst=0.2) >= 15
    assert longest_run(burst=0.0) <= 3


def test_some_reports_are_thin_and_some_have_no_address_at_all() -> None:
    reports = [one.content for one in made(6_000)]
    thin = sum("items" not in one and "source_url" in one for one in reports) / len(reports)
    without = sum("items" not in one and "source_url" not in one for one in reports) / len(reports)
    assert 0.06 < thin < 0.14
    assert 0.07 < without < 0.20
    assert all("personal" in one for one in reports if "items" not in one and "source_url" not in one)


def test_an_escalation_is_a_plea_that_urgent_cases_mostly_have() -> None:
    reports = made(6_000, urgent=0.2)
    urgent = [one for one in reports if one.truth["urgent"]]
    pleaded = sum("escalation" in one.content for one in urgent) / len(urgent)
    assert 0.8 < pleaded < 0.97
    assert not any("escalation" in one.content for one in reports if not one.truth["urgent"])


def test_the_truth_is_no_part_of_the_report() -> None:
    hidden = {"case", "urgent", "known", "bad", "truth"}
    assert all(hidden.isdisjoint(one.content) for one in made(300))


def test_popular_content_is_reported_again_and_again_by_several_members() -> None:
    cases = Counter(one.truth["case"] for one in made())
    reporters: dict[int, set[str]] = {one.truth["case"]: set() for one in made()}
    for one in made():
        reporters[one.truth["case"]].add(one.member)
    assert cases.most_common(1)[0][1] > 10
    assert any(len(members) == 2 for members in reporters.values())


def test_the_world_is_made_of_example_names_and_documentation_networks() -> None:
    text = json.dumps([one.content for one in made(500)])
    assert ".example.test" in text.lower()
    assert not any(name in text for name in ("http://", ".com", ".org", ".net"))


def test_each_mistake_has_a_name() -> None:
    assert len(BREAKAGES) >= 5
