"""A worker that is cut off, in short: from everything, then from the broker alone, beyond its session each time."""

import pytest
from msgspec.structs import replace

from tests.chaos.__main__ import plan_of
from tests.chaos.faults import FAULTS
from tests.chaos.faults.fault import Impossible, Scene
from tests.chaos.run import Say
from tocsin.stack.local import LocalStack

pytestmark = [pytest.mark.chaos, pytest.mark.stack]
_REPORTS = 200
_PUBLISHING_SECONDS = 42.0
"""As long as both cuts last, so that there is always something to decide."""


@pytest.fixture(scope="module")
def _namespaces() -> None:
    try:
        FAULTS["partition"].requires()
    except Impossible as impossible:
        pytest.skip(str(impossible))


@pytest.mark.usefixtures("_namespaces")
def test_what_a_worker_had_that_is_cut_off_goes_on_with_its_peer_and_is_neither_lost_nor_doubled(
    own_stack: LocalStack, say: Say
) -> None:
    fault = FAULTS["partition"]
    plan = replace(plan_of(fault, seed=11, reports=_REPORTS), publishing_seconds=_PUBLISHING_SECONDS)
    verdict = Scene(fault, plan, own_stack, say).verdict()
    assert verdict.clean, verdict
    assert verdict.deliveries.at_sinks == 2 * _REPORTS
    assert verdict.facts["delivered_meanwhile"]
