"""Each step of triage is timed over a slice, and told once the slice is settled; what is decided does not change."""

import time

import pytest

from processors.laps import STEPS, UNTIMED, Laps
from processors.triage import Finished
from tests.builders.reports import a_report
from tests.unit.processors.test_triage_stages import a_piece, finished
from tocsin.runtime.families import LABELS
from tocsin.runtime.metrics import REGISTRY


def told(step: str, part: str = "count") -> float:
    return REGISTRY.get_sample_value(f"tocsin_step_duration_seconds_{part}", {"step": step}) or 0


def of_a_slice() -> Finished:
    (found,) = finished(a_piece(a_report(), a_report(submitter_reference="b"), b"no record"))
    return found


def test_a_slice_tells_of_every_step_once_however_many_reports_it_has() -> None:
    before = {step: told(step) for step in STEPS}
    of_a_slice().laps.publish()
    assert {step: told(step) - before[step] for step in STEPS} == dict.fromkeys(STEPS, 1)


def test_a_slice_in_which_nothing_was_decided_tells_of_no_step() -> None:
    before = {step: told(step) for step in STEPS}
    (found,) = finished(a_piece(b"no record"))
    found.laps.publish()
    assert {step: told(step) for step in STEPS} == before


def test_the_times_of_a_step_are_added_up() -> None:
    laps, before = Laps(), told("route", "sum")
    for _ in range(2):
        assert laps.of("route", lambda seconds: time.sleep(seconds) or "found", 0.01) == "found"  # type: ignore[func-returns-value]  # it sleeps first
    laps.publish()
    assert told("route", "sum") - before >= 0.02


def test_what_is_not_timed_is_found_all_the_same() -> None:
    before = told("route")
    assert UNTIMED.of("route", max, 1, 2) == 2
    UNTIMED.publish()
    assert told("route") == before


@pytest.mark.parametrize("label", ["step"])
def test_the_steps_are_the_values_of_their_label(label: str) -> None:
    assert tuple(LABELS[label].split("|")) == STEPS
