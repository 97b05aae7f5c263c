"""Nothing is lost, doubled or misdirected under kills; and the harness sees the loss where a worker is at fault."""

import pytest

from tests.chaos.run import Plan, Run, Say
from tocsin.stack.local import LocalStack

pytestmark = [pytest.mark.chaos, pytest.mark.stack]


def test_nothing_is_lost_doubled_or_misdirected_while_everything_is_killed(own_stack: LocalStack, say: Say) -> None:
    plan = Plan(reports=400, seed=7, publishing_seconds=12, kill_gap_seconds=2, countries=("NL",))
    verdict = Run(plan, own_stack, say).verdict()
    assert verdict.clean, verdict
    assert verdict.published == 400
    assert verdict.deliveries.at_sinks == 800
    assert verdict.kills["kafka"] == verdict.kills["postgresql"] == 1
    assert verdict.recovery_seconds is not None


def test_a_worker_that_acknowledges_before_the_effect_is_found_out(own_stack: LocalStack, say: Say) -> None:
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
    verdict = Run(plan, own_stack, say).verdict()
    assert not verdict.clean
    assert verdict.deliveries.lost > 0, verdict
    assert verdict.findings["lost_report"] > 0, verdict
    assert not verdict.proven
