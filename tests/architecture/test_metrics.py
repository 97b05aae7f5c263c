"""Metrics follow one table: names, units, closed labels, nobody and nothing named in them; and promtool agrees."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest

from consumers.answers import KINDS
from consumers.provenance import Provenance
from consumers.states import State
from schemas.records.values import Tier
from tests.builders.scrapes import faults_in, faults_of
from tocsin.runtime.families import FAMILIES, JOURNEY_SECONDS, LABELS, LAGS, Family, Kind
from tocsin.runtime.lag.backlog import Backlog, Group, Place, Snapshot
from tocsin.runtime.lag.publishing import LagCollector
from tocsin.runtime.ledger.outcomes import Outcome
from tocsin.runtime.ledger.queue import Alert
from tocsin.runtime.metrics import REGISTRY

MOST = Family(name="any", kind=Kind.GAUGE, help="Any.").most_series
UNITS = ("_seconds", "_bytes", "_records", "_entries")

COUNTS = """
from prometheus_client import generate_latest
from tocsin.runtime import metrics
metrics.record_left("triage", "routed")
metrics.failure_met("triage", ValueError("not one of the four"))
metrics.slice_settled("triage", "reports.nl-hotline.submitted.v1", 1_000)
metrics.DELIVERED.labels("nl", "URGENT").observe(1)
print(generate_latest(metrics.REGISTRY).decode())
"""
"""In a process of its own: here, other tests have counted what no process ever would."""


def names(values: Iterable[str]) -> set[str]:
    return {value.lower() for value in values}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_metric_is_named_as_prometheus_asks(family: Family) -> None:
    assert re.fullmatch(r"tocsin_[a-z]+(_[a-z]+)*", family.name)
    assert family.help.endswith(".")
    assert set(family.labels) <= LABELS.keys()
    assert family.kind is not Kind.COUNTER or not family.name.endswith("_total"), "the library adds it"
    assert family.kind is not Kind.HISTOGRAM or (family.name.endswith(UNITS) and family.buckets)
    assert "age" not in family.name.split("_"), "timestamps are exact at every scrape, ages are not"


def test_the_registry_holds_the_table_and_nothing_else() -> None:
    assert {family.name for family in REGISTRY.collect()} == {family.name for family in FAMILIES}


def test_labels_take_the_words_of_what_they_count() -> None:
    words = {label: set(pattern.split("|")) for label, pattern in LABELS.items()}
    assert names(Outcome.__members__) <= words["outcome"]
    assert names(State) | names(Provenance) <= words["outcome"]
    assert set(KINDS) <= words["outcome"]
    assert names(Alert.__members__) == words["alert"]
    assert set(Tier) == words["tier"]


def test_what_a_process_counts_is_in_the_table() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTS], capture_output=True, text=True, check=True)  # noqa: S603 -- ours
    assert "tocsin_submission_to_delivered_seconds_bucket" in done.stdout
    assert not faults_in(done.stdout)


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("member", "0f3a" * 16),
        ("member", "someone@example.test"),
        ("stage", "https://example.test/a"),
        ("outcome", "5c9f1f0e-1c3f-4f0e-9d8a-0a1b2c3d4e5f"),
        ("version", "192.0.2.1"),
        ("report_id", "1"),
    ],
)
def test_a_label_that_tells_of_a_report_or_a_person_is_a_fault(label: str, value: str) -> None:
    registry = CollectorRegistry()
    Counter("tocsin_records", "As ours.", [label], registry=registry).labels(value).inc()
    assert list(faults_of(registry.collect()))


def test_a_family_without_bound_is_a_fault() -> None:
    registry = CollectorRegistry()
    counter = Counter("tocsin_dead_letters", "As ours.", ["stage", "member"], registry=registry)
    for number in range(MOST + 1):
        counter.labels("triage", f"member-{number}").inc()
    assert list(faults_of(registry.collect())) == [f"tocsin_dead_letters has {MOST + 1} series"]


def test_no_journey_family_outgrows_its_cap_with_every_country_and_tier() -> None:
    countries = 35
    assert countries * len(Tier) * (len(JOURNEY_SECONDS) + 1) <= MOST


def lags() -> CollectorRegistry:
    place = Place("reports.nl-hotline.submitted.v1", 0)
    group = Group(name="triage.normal", members=1, positions={place: 1})
    backlog = Backlog(group=group.name, place=place, position=1, records=2, oldest_ms=1)
    collector, registry = LagCollector(lambda: 5), CollectorRegistry()
    collector.show(Snapshot(at_ms=5, starts={place: 0}, ends={place: 3}, groups=(group,), backlogs=(backlog,)))
    registry.register(collector)
    return registry


def test_lags_are_served_under_the_names_and_labels_of_the_table() -> None:
    families = list(lags().collect())
    assert {family.name for family in families if family.samples} == {family.name for family in LAGS}
    assert not list(faults_of(families))


@pytest.mark.skipif(not shutil.which("promtool"), reason="make promtool installs it (Debian's package prometheus)")
def test_promtool_finds_nothing_to_say_of_our_metrics() -> None:
    done = subprocess.run(  # noqa: S603 -- words of ours
        [str(shutil.which("promtool")), "check", "metrics"],
        input=generate_latest(REGISTRY) + generate_latest(lags()),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr + done.stdout) == (0, b"")
