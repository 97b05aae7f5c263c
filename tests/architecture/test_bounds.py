"""The page that says what costs, and what bounds it, says the numbers of the code (ADR 0041)."""

from pathlib import Path

import pytest

from consumers import serving
from consumers.receiver import MOST_SECRETS
from tocsin.runtime import endpoint, pacing
from tocsin.stack.watching import guarding

PAGE = " ".join(
    (Path(__file__).parents[2] / "docs/decisions/0041-attacked-from-its-own-documents.md").read_text().split()
)
SAYS = {
    "time": f"a head and a body end in {serving.LONGEST_WAIT_SECONDS:.0f} s",
    "time of the metrics port": f"a head and a body end in {endpoint.LONGEST_CONNECTION_SECONDS:.0f} s",
    "connections": f"{serving.MOST_CONNECTIONS} connections ({endpoint.MOST_CONNECTIONS} at the metrics port)",
    "pace": f"{serving.PER_SECOND / 2:.0f} requests a second of one address and {serving.PER_SECOND:.0f} together",
    "pace of the metrics port": f"at the metrics port {endpoint.PER_SECOND:.0f} and {4 * endpoint.PER_SECOND:.0f}",
    "pace of the ops page": f"at the ops page {guarding.PER_SECOND:.0f} and {2 * guarding.PER_SECOND:.0f}",
    "address of the ops page": f"path and query have at most {guarding.MOST_TARGET_BYTES:,} bytes",
    "callers": f"{pacing.MOST_CALLERS:,} callers are remembered",
    "secrets": f"More than {('no', 'one', 'two', 'three')[MOST_SECRETS]} are refused",
}


@pytest.mark.parametrize("what", SAYS)
def test_a_bound_is_the_one_that_the_page_says(what: str) -> None:
    assert SAYS[what] in PAGE
