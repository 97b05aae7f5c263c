"""Faults in short: several strike one exchange after the other; `make chaos-faults` gives each a run of its own."""

import pytest
from msgspec.structs import replace

from tests.chaos.__main__ import plan_of
from tests.chaos.faults import FAULTS
from tests.chaos.faults.fault import Fault, Scene, one_after_the_other
from tests.chaos.run import Say
from tests.chaos.verdict import Verdict
from tocsin.stack.local import LocalStack

pytestmark = [pytest.mark.chaos, pytest.mark.stack]
_LONGEST_SECONDS = 600
"""About two minutes alone; an exchange with six processes that shares its processors with others takes twice that."""
_REPORTS = 300


def met(stack: LocalStack, say: Say, *names: str) -> Verdict:
    """The verdict of one exchange that meets these faults."""
    faults = [FAULTS[name] for name in names]
    several = Fault(name=" + ".join(names), says="all of them", setting=one_after_the_other(faults), reports=720)
    plan = replace(plan_of(several, seed=11, reports=_REPORTS), publishing_seconds=90.0)
    return Scene(several, plan, stack, say).verdict()


@pytest.mark.timeout(_LONGEST_SECONDS)
def test_six_faults_that_one_exchange_meets_one_after_the_other_lose_and_double_nothing(
    own_stack: LocalStack, say: Say
) -> None:
    # After the older backup reports still come: a worker sees that the ledger went back by a later record.
    verdict = met(own_stack, say, "sinks", "stopped", "older-backup", "database-dies", "away", "certificate")
    assert verdict.clean, verdict
    assert verdict.published == _REPORTS
    assert verdict.deliveries.at_sinks == 2 * _REPORTS
    assert verdict.facts["in_transaction"]
    assert verdict.facts["groups_forgotten"] == 1
    assert verdict.facts["delivered_since_backup"]
    assert verdict.facts["refused"]
