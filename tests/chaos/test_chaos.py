"""Nothing is lost, doubled or misdirected under kills; and the harness sees the loss where a worker is at fault."""

import time

import pytest

from tests.chaos.run import Plan, Run
from tests.chaos.verdict import Verdict
from tocsin.stack.local import LocalStack

pytestmark = [pytest.mark.chaos, pytest.mark.stack]


def run(plan: Plan, stack: LocalStack) -> Verdict:
    began_seconds = time.monotonic()

    def say(sentence: str) -> None:
        print(f"{time.monotonic() - began_seconds:5.1f} s {sentence}")  # noqa: T201 -- the story of a run that failed

    return Run(plan, stack, say).verdict()  # pytest shows what was said where the test fails


def test_nothing_is_lost_doubled_or_misdirected_while_everything_is_killed(own_stack: LocalStack) -> None:
    plan = Plan(reports=400, seed=7, publishing_seconds=12, kill_gap_seconds=2, countries=("NL",))
    verdict = run(plan, own_stack)
    assert verdict.clean, verdict
    assert verdict.published == 400
    assert verdict.deliveries.at_sinks == 800
    assert verdict.kills["kafka"] == verdict.kills["postgresql"] == 1


def test_a_worker_that_acknowledges_before_the_effect_is_found_out(own_stack: LocalStack) -> None:
    plan = Plan(
        reports=200,
        seed=7,
        publishing_seconds=10,
        kill_gap_seconds=3,
        targets=("triage-normal",),
        countries=("NL",),
        kill_services=False,
        program="tests.chaos.early",
        calm_share=0,
        stall_seconds=6,
    )
    verdict = run(plan, own_stack)
    assert not verdict.clean
    assert verdict.deliveries.lost > 0, verdict
    assert verdict.findings["lost_report"] > 0, verdict
    assert not verdict.proven
