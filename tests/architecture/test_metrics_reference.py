"""The page of metrics says what a process serves: it is held against the live registry, not only against its table."""

import re

from prometheus_client import Metric

from tests.architecture.test_metrics import lags
from tocsin.runtime.families import OF_PROCESS
from tocsin.runtime.metrics import REGISTRY
from tocsin.stack.metrics_reference import PAGE, page

ROW = re.compile(r"\| `(\w+)` \| (\w+)[^|]*\|[^|]*\| \d+ \| (.+) \|")
OF_THE_LIBRARY = {family.name: family.help for family in OF_PROCESS}
"""What its own collector says of a process is in its words; the page has ours."""
SUFFIXES = {"counter": "_total", "info": "_info"}


def rows() -> dict[str, tuple[str, str]]:
    """Name, and type with meaning, of each metric on the page as it is stored."""
    found = (ROW.fullmatch(line) for line in PAGE.read_text("utf-8").splitlines())
    return {row[1]: (row[2], row[3]) for row in found if row}


def served(metric: Metric) -> tuple[str, tuple[str, str]]:
    kind = "gauge" if metric.type == "info" else metric.type
    return metric.name + SUFFIXES.get(metric.type, ""), (kind, OF_THE_LIBRARY.get(metric.name, metric.documentation))


def test_the_page_is_made_from_this_code() -> None:
    assert PAGE.read_text("utf-8") == page(), "Make it anew: python -m tocsin.stack.metrics_reference"


def test_the_page_has_what_the_live_registries_serve_with_its_type_and_meaning_and_nothing_else() -> None:
    families = [*REGISTRY.collect(), *lags().collect()]
    assert rows() == dict(served(metric) for metric in families)
