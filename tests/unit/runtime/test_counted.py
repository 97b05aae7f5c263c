"""What is counted has the right value under the right labels: failures by kind, and which build runs."""

import subprocess
import sys

import pytest
from prometheus_client import generate_latest

from schemas.codec import ENGINE
from schemas.failures import Broken, Failure, Refused, Temporary, Unreadable
from tests.builders.samples import risen
from tocsin.runtime.metrics import REGISTRY, describe_build, failure_met, release


class Gone(Temporary):
    """A kind of a kind."""


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (Unreadable("x", code="x"), "unreadable"),
        (Refused("x", code="x"), "refused"),
        (Temporary("x", code="x"), "temporary"),
        (Gone("x", code="x"), "temporary"),
        (Broken("x", code="x"), "broken"),
        (Failure("x", code="x"), "unexpected"),
        (ValueError("x"), "unexpected"),
        (KeyboardInterrupt(), "unexpected"),
    ],
    ids=lambda one: type(one).__name__ if isinstance(one, BaseException) else one,
)
def test_a_failure_is_counted_once_where_it_was_met_and_as_what_it_is(failure: BaseException, kind: str) -> None:
    with risen("tocsin_errors_total") as found:
        failure_met("courier", failure)
    assert found == {(("failure", kind), ("stage", "courier")): 1}


def test_the_build_is_one_series_of_value_1_with_what_runs() -> None:
    describe_build("deliver")
    describe_build("returns.all")
    shown = [line for line in generate_latest(REGISTRY).decode().splitlines() if line.startswith("tocsin_build_info")]
    assert shown == [f'tocsin_build_info{{codec="{ENGINE}",process="returns.all",version="{release()}"}} 1.0']


def test_the_version_that_is_shown_is_the_one_that_the_command_says() -> None:
    command = [sys.executable, "-m", "tocsin", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout  # noqa: S603  # our words
    assert said.split()[-1] == release() != "unknown"
