"""How far a group is behind: counted from offsets, and timed by asking the broker when an offset was appended."""

import bisect
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from schemas.failures import Temporary
from tocsin.runtime import metrics
from tocsin.runtime.health import Health
from tocsin.runtime.lag.backlog import Found, Group, Place
from tocsin.runtime.lag.publishing import LagCollector, seconds_behind
from tocsin.runtime.lag.reading import LagReader
from tocsin.runtime.lag.serving import BROKER, STALE_SECONDS, watch_lag

NOW_MS = 1_800_000_000_000
MONTH_MS = 28 * 24 * 3600 * 1000
HERE = Place("reports.nl-hotline.submitted.v1", 0)
THERE = Place("reports.nl-hotline.submitted.v1", 1)


class Log:
    """A broker in memory: the append times of each partition, and the groups."""

    def __init__(self, times_ms: Mapping[Place, Sequence[int]], *groups: Group, first: int = 0) -> None:
        self.times_ms = times_ms
        self.grouped = groups
        self.first = first
        self.questions = 0
        self.is_away = False

    def groups(self) -> Sequence[Group]:
        if self.is_away:
            raise Temporary("away", code="kafka.away")
        return self.grouped

    def starts(self) -> Mapping[Place, int]:
        return dict.fromkeys(self.times_ms, self.first)

    def ends(self, places: Iterable[Place]) -> Mapping[Place, int]:
        return {place: self.first + len(self.times_ms[place]) for place in places}

    def since(self, times_ms: Mapping[Place, int]) -> Mapping[Place, Found | None]:
        self.questions += 1
        return {place: self._since(place, at_ms) for place, at_ms in times_ms.items()}

    def _since(self, place: Place, at_ms: int) -> Found | None:
        times_ms = self.times_ms[place]
        index = bisect.bisect_left(times_ms, at_ms)
        return Found(offset=self.first + index, at_ms=times_ms[index]) if index < len(times_ms) else None


def a_group(positions: Mapping[Place, int | None], name: str = "triage.normal") -> Group:
    return Group(name=name, members=1, positions=positions)


def read(log: Log) -> dict[tuple[str, Place], tuple[int, float]]:
    seen = LagReader(log).read(NOW_MS)
    return {(one.group, one.place): (one.records, seconds_behind(one, NOW_MS)) for one in seen.backlogs}


def test_a_group_that_has_read_everything_is_not_behind() -> None:
    assert read(Log({HERE: [NOW_MS - 5_000]}, a_group({HERE: 1}))) == {("triage.normal", HERE): (0, 0.0)}


def test_each_partition_has_its_own_lag() -> None:
    log = Log({HERE: [NOW_MS - 90_000, NOW_MS - 60_000], THERE: [NOW_MS - 1_000]}, a_group({HERE: 1, THERE: 1}))
    found = read(log)
    assert found["triage.normal", HERE][0] == 1
    assert abs(found["triage.normal", HERE][1] - 60) <= 1
    assert found["triage.normal", THERE] == (0, 0.0)


def test_a_partition_that_nobody_of_the_group_has_is_behind_from_its_first_record_on() -> None:
    """As one that was added a moment ago."""
    found = read(Log({HERE: [NOW_MS - 1_000], THERE: [NOW_MS - 30_000] * 2}, a_group({HERE: 1})))
    assert found["triage.normal", THERE][0] == 2
    assert abs(found["triage.normal", THERE][1] - 30) <= 1


def test_what_was_never_committed_is_unread_from_the_first_record_that_is_left() -> None:
    records, seconds = read(Log({HERE: [NOW_MS - 30_000] * 3}, a_group({HERE: None}), first=7))["triage.normal", HERE]
    assert records == 3
    assert abs(seconds - 30) <= 1


def test_a_position_behind_what_retention_left_counts_what_is_gone_and_times_what_is_there() -> None:
    records, seconds = read(Log({HERE: [NOW_MS - 30_000]}, a_group({HERE: 2}), first=7))["triage.normal", HERE]
    assert records == 6
    assert abs(seconds - 30) <= 1


def test_a_position_that_somebody_committed_beyond_the_end_is_no_lag() -> None:
    assert read(Log({HERE: [NOW_MS]}, a_group({HERE: 10**18}))) == {("triage.normal", HERE): (0, 0.0)}


def test_a_topic_that_went_away_has_no_lag() -> None:
    assert read(Log({HERE: [NOW_MS]}, a_group({HERE: 1, THERE: 0}))) == {("triage.normal", HERE): (0, 0.0)}


def test_two_groups_at_two_places_of_one_partition_are_both_timed() -> None:
    log = Log({HERE: [NOW_MS - 3_600_000, NOW_MS - 60_000]}, a_group({HERE: 0}), a_group({HERE: 1}, "returns.all"))
    found = read(log)
    assert abs(found["triage.normal", HERE][1] - 3_600) <= 36
    assert abs(found["returns.all", HERE][1] - 60) <= 1


def test_records_that_share_the_time_of_their_batch_are_timed_by_it() -> None:
    log = Log({HERE: [NOW_MS - 50_000] * 10 + [NOW_MS - 20_000] * 10}, a_group({HERE: 5}))
    assert abs(read(log)["triage.normal", HERE][1] - 50) <= 1


def test_a_time_is_asked_for_once_while_the_first_unread_record_stays_the_same() -> None:
    log = Log({HERE: [NOW_MS - 3_600_000, NOW_MS]}, a_group({HERE: 0}))
    reader = LagReader(log)
    first = reader.read(NOW_MS)
    asked = log.questions
    again = reader.read(NOW_MS + 10_000)
    assert log.questions == asked > 0
    assert again.backlogs[0].oldest_ms == first.backlogs[0].oldest_ms


@given(
    ages_ms=st.lists(st.integers(0, MONTH_MS), min_size=1, max_size=50),
    position=st.integers(0, 49),
    first=st.integers(0, 10**12),
)
def test_any_lag_is_timed_to_a_second_or_a_hundredth_in_a_few_questions(
    ages_ms: list[int], position: int, first: int
) -> None:
    times_ms = sorted(NOW_MS - age_ms for age_ms in ages_ms)
    position = min(position, len(times_ms) - 1)
    log = Log({HERE: times_ms}, a_group({HERE: first + position}), first=first)
    records, seconds = read(log)["triage.normal", HERE]
    true_seconds = (NOW_MS - times_ms[position]) / 1000
    assert records == len(times_ms) - position
    assert abs(seconds - true_seconds) <= max(1, true_seconds / 99)
    assert log.questions <= 25


def scraped(collector: LagCollector) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(collector)
    return {sample.name: sample.value for metric in registry.collect() for sample in metric.samples}


def test_seconds_go_on_between_two_looks_and_figures_that_nobody_reads_any_more_are_not_shown() -> None:
    clock = [NOW_MS]
    collector = LagCollector(lambda: clock[0])
    assert not scraped(collector)
    collector.show(LagReader(Log({HERE: [NOW_MS - 10_000]}, a_group({HERE: 0}))).read(NOW_MS))
    before = scraped(collector)["kafka_consumergroup_lag_seconds"]
    clock[0] += 7_000
    assert scraped(collector)["kafka_consumergroup_lag_seconds"] - before == 7
    clock[0] += 60_000
    assert not scraped(collector)


def test_a_broker_that_is_away_is_waited_for_and_readiness_tells() -> None:
    log, health, stopped = Log({HERE: [NOW_MS]}, a_group({HERE: 0})), Health(), threading.Event()
    log.is_away = True
    health.expect(BROKER, STALE_SECONDS)
    running = threading.Thread(target=watch_lag, args=(LagReader(log), health, stopped, 0.01))
    before = metrics.ERRORS.labels("lag", "temporary")._value.get()
    running.start()
    try:
        until(lambda: metrics.ERRORS.labels("lag", "temporary")._value.get() > before)
        assert health.stale(time.monotonic()) == ("broker",)
        log.is_away = False
        until(lambda: not health.stale(time.monotonic()))
        assert (
            metrics.REGISTRY.get_sample_value(
                "kafka_consumergroup_lag",
                {"consumergroup": "triage.normal", "topic": HERE.topic, "partition": "0"},
            )
            == 1
        )
    finally:
        stopped.set()
        running.join()
    assert "kafka_consumergroup_lag" not in {family.name for family in metrics.REGISTRY.collect()}


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)
