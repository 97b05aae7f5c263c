"""What a rate needs is computed from the curves, cautiously, and says where nobody has measured."""

from collections.abc import Sequence

import pytest

from benchmarks.figures import read
from benchmarks.growth.capacity import Measured, capacity, measured, need
from benchmarks.growth.points import Point, Round
from benchmarks.growth.results import Curve, Results
from benchmarks.peers.venvs import ROOT

KNOWN = Measured(worker_rate=200, worker_cpu=1.5, rest_cpu=0.9, fastest=1_000)


def a_curve(*points: tuple[int, float, float]) -> Curve:
    made = (
        Point(count=count, rounds=(Round(reports_per_second=rate, cpu_seconds_per_thousand=cpu),))
        for count, rate, cpu in points
    )
    return Curve(commit="abc1234", cores=2, load=1.0, reports=100, points=tuple(made))


RESULTS = Results(
    curves={
        "workers": a_curve((1, 400, 1.0), (2, 800, 1.1), (4, 100, 1.2)),
        "members": a_curve((3, 300, 1.3), (100, 250, 1.6)),
    }
)


def test_the_slowest_worker_and_the_dearest_report_are_planned_with() -> None:
    found = measured(RESULTS)
    assert (found.worker_rate, found.worker_cpu, found.fastest) == (250, 1.6, 800)
    assert found.rest_cpu == pytest.approx(2000 / 800 - 1.1)


@pytest.mark.parametrize(("rate", "workers", "cores"), [(100, 1, (1, 1)), (1_000, 9, (3, 2)), (10_000, 84, (25, 15))])
def test_a_rate_needs_workers_and_cores_at_six_tenths_of_what_they_can(
    rate: int, workers: int, cores: Sequence[int]
) -> None:
    found = need(KNOWN, rate)
    assert (found.workers, found.partitions) == (workers, 2 * workers)
    assert (found.worker_cores, found.postgres_cores) == tuple(cores)


def test_what_nobody_has_measured_is_called_beyond() -> None:
    rows = [line for line in capacity(RESULTS).splitlines() if line.startswith("| 1")]
    assert ["beyond" in row for row in rows] == [False, True, True]


def test_without_the_curve_of_workers_nothing_is_predicted() -> None:
    with pytest.raises(ValueError, match="make bench-growth"):
        measured(Results())


def test_the_page_is_that_of_the_figures_beside_it() -> None:
    folder = ROOT / "docs" / "performance"
    assert (folder / "capacity.md").read_text(encoding="utf-8") == capacity(read(folder / "growth.json", Results))
