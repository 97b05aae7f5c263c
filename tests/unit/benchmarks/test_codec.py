"""The page of the codec follows from its figures; a part that was not measured is not on it."""

from benchmarks.about import About
from benchmarks.codec.page import page, share
from benchmarks.codec.results import Job, Passed, Passing, Results
from benchmarks.figures import read
from benchmarks.measuring import Run, between
from benchmarks.peers import streams
from benchmarks.peers.venvs import ROOT
from tocsin.stack.jars import locked

PERFORMANCE = ROOT / "docs" / "performance"


def test_the_page_in_the_repository_follows_from_its_figures() -> None:
    results = read(PERFORMANCE / "codec.json", Results)
    assert (PERFORMANCE / "codec.md").read_text("utf-8") == page(results), "run: make bench-codec"


def test_a_part_that_was_not_measured_is_not_on_the_page() -> None:
    assert "## The" not in page(Results())
    assert "Kafka Streams" not in page(Results())


def test_larger_reports_have_a_row_of_their_own_and_the_target_is_reached_where_every_size_reaches_it() -> None:
    lines = page(_job(one=1.7, three=1.6)).splitlines()
    assert "| the same, 3 items a report | 1.60, **1.60**, 1.60 | 1.00, **1.00**, 1.00 | 1.60 |" in lines
    assert "Target, the whole job: 1.6 times less. Reached: 1.70 times, 1.60 times." in lines
    assert "Target, the whole job: 1.6 times less. Not reached: 1.50 times, 2.00 times." in page(_job(1.5, 2.0))
    assert "Not reached: 1.50 times." in page(_job(1.5)), "figures from before there were others"


def test_a_row_says_cpu_with_and_without_the_first_quarter_rate_start_and_memory() -> None:
    row = next(line for line in page(_passing(ours=1.0)).splitlines() if line.startswith("| Kafka Streams |"))
    assert row.split(" | ")[1:] == [
        "0.0100, **0.0200**, 0.0300",
        "0.0050, **0.0100**, 0.0150",
        "20000, **20000**, 20000",
        "2.0, **2.0**, 2.0",
        "150 |",
    ]


def test_no_more_cpu_than_kafka_streams_is_reached_and_more_is_not() -> None:
    assert "Reached: 1.00 times its CPU, 1.00 times without" in page(_passing(ours=1.0))
    assert "Not reached: 1.50 times its CPU, 1.50 times without" in page(_passing(ours=1.5))


def test_the_share_is_the_median_of_rounds_and_not_of_costs() -> None:
    """A slow minute that meets both of a round leaves it alone."""
    assert share([_run(1), _run(30), _run(2)], [_run(2), _run(60), _run(4)]) == 0.5


def test_what_lay_between_two_looks_leaves_out_what_came_before() -> None:
    found = between((10, 5.0, 1.0), (110, 7.0, 1.5), 9)
    assert (found.records, found.seconds, found.cpu_seconds, found.peak_bytes) == (100, 2.0, 0.5, 9)


def test_kafka_streams_is_of_the_brokers_release() -> None:
    versions = {jar.artifact: jar.version for jar in (*locked(), *locked(streams.LOCK))}
    assert versions["kafka-streams"] == versions["kafka_2.13"]


def _job(one: float, three: float | None = None) -> Results:
    about = About(commit="abc1234", cores=2, load=9.5)
    costs = {"tocsin": _engines(one), "tocsin-codec": _engines(9.0)}
    by_items = {} if three is None else {3: _engines(three)}
    steps = {engine: {"decode": 1.0} for engine in _engines(one)}
    made = Job(about=about, reports=5, cpu_seconds_per_thousand=costs, by_items=by_items, steps_microseconds=steps)
    return Results(job=made)


def _engines(ratio: float) -> dict[str, tuple[float, ...]]:
    return {"fastavro": (ratio,), "compiled": (1.0,)}


def _passing(ours: float) -> Results:
    theirs = tuple(_passed(cost) for cost in (1.0, 2.0, 3.0))
    mine = tuple(_passed(ours * cost) for cost in (1.0, 2.0, 3.0))
    about = About(commit="abc1234", cores=2, load=9.5)
    return Results(passing=Passing(about=about, records=200_000, runs={"tocsin": mine, "streams": theirs}))


def _passed(cost: float) -> Passed:
    return Passed(start_cpu_seconds=2.0, whole=_run(2 * cost), warm=_run(cost))


def _run(cpu_seconds: float) -> Run:
    return Run(records=200_000, seconds=10.0, cpu_seconds=cpu_seconds, peak_bytes=150_000_000)
