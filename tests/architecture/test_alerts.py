"""The rules for Prometheus: metrics that are published, and runbooks that are there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tocsin.runtime.metrics import REGISTRY

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy" / "prometheus").glob("*.yml"))
SERIES = ROOT / "tests" / "architecture" / "alerts" / "absolute.yml"
METRIC = re.compile(r"\btocsin_[a-z_]+")


def rules(content: str) -> list[dict[str, str]]:
    """What each alert says of itself, read line by line: the files nest nothing deeper."""
    found: list[dict[str, str]] = []
    for key, value in re.findall(r"^[ -]*(alert|expr|runbook): (.+)$", content, re.MULTILINE):
        found += [{}] if key == "alert" else []
        found[-1][key] = value
    return found


def unknown(expression: str) -> set[str]:
    published = {name for family in REGISTRY.collect() for name in {family.name, *(s.name for s in family.samples)}}
    return set(METRIC.findall(expression)) - published


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_alert_asks_for_metrics_that_are_published_and_has_a_runbook(file: Path) -> None:
    for rule in rules(file.read_text("utf-8")):
        assert METRIC.search(rule["expr"]), rule["alert"]
        assert not unknown(rule["expr"])
        runbook = (ROOT / rule["runbook"]).read_text("utf-8")
        assert rule["alert"] in runbook


def test_a_metric_that_nobody_publishes_would_be_noticed() -> None:
    assert unknown("max(tocsin_recalls_early) > 0") == {"tocsin_recalls_early"}


@pytest.mark.skipif(not shutil.which("promtool"), reason="make promtool installs it (Debian's package prometheus)")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_promtool_takes_the_rules(file: Path) -> None:
    assert promtool("check", "rules", str(file)) == 0


@pytest.mark.skipif(not shutil.which("promtool"), reason="make promtool installs it (Debian's package prometheus)")
def test_each_alert_fires_on_the_bad_series_and_is_silent_on_the_near_miss() -> None:
    assert promtool("test", "rules", str(SERIES)) == 0


def test_each_absolute_alert_has_both_series() -> None:
    names = [rule["alert"] for rule in rules((ROOT / "deploy" / "prometheus" / "absolute.yml").read_text("utf-8"))]
    tested = re.findall(r"name: (\w+) (fires|is silent)$", SERIES.read_text("utf-8"), re.MULTILINE)
    assert sorted(tested) == sorted((name, how) for name in names for how in ("fires", "is silent"))


def promtool(*arguments: str) -> int:
    return subprocess.run([str(shutil.which("promtool")), *arguments], check=False).returncode  # noqa: S603 -- ours
