"""The rules for Prometheus: metrics that are published, and runbooks that are there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tocsin.runtime.families import JOURNEY_SECONDS
from tocsin.runtime.metrics import REGISTRY
from tocsin.stack.objectives import read, written

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy" / "prometheus").glob("*.yml"))
SERIES = ROOT / "tests" / "architecture" / "alerts"
ENDS = ("bucket", "count", "sum")
METRIC = re.compile(r"\btocsin_[a-z_]+")


def rules(content: str) -> list[dict[str, str]]:
    """What each alert says of itself, read line by line: the files nest nothing deeper."""
    found: list[dict[str, str]] = []
    for key, value in re.findall(r"^[ -]*(alert|record|expr|runbook): (.+)$", content, re.MULTILINE):
        found += [{}] if key in ("alert", "record") else []
        found[-1][key] = value
    return found


def unknown(expression: str) -> set[str]:
    published = {name for family in REGISTRY.collect() for name in {family.name, *(s.name for s in family.samples)}}
    published |= {f"{one.name}_{end}" for one in REGISTRY.collect() if one.type == "histogram" for end in ENDS}
    return set(METRIC.findall(expression)) - published


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_an_alert_asks_for_metrics_that_are_published_and_has_a_runbook(file: Path) -> None:
    for rule in rules(file.read_text("utf-8")):
        assert METRIC.search(rule["expr"]) or "slo:" in rule["expr"]
        assert not unknown(rule["expr"])
        if "record" in rule:
            continue
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
    assert promtool("test", "rules", *map(str, sorted(SERIES.glob("*.yml")))) == 0


@pytest.mark.parametrize("file", ["absolute.yml", "audit.yml"])
def test_each_alert_of_these_has_both_series(file: str) -> None:
    names = [rule["alert"] for rule in rules((ROOT / "deploy" / "prometheus" / file).read_text("utf-8"))]
    tested = re.findall(r"name: (\w+) (fires|is silent)$", (SERIES / file).read_text("utf-8"), re.MULTILINE)
    assert set(tested) == {(name, how) for name in names for how in ("fires", "is silent")}


def test_the_objectives_rules_are_what_their_file_makes() -> None:
    folder = ROOT / "deploy" / "prometheus"
    found = read((folder / "slo.toml").read_bytes())
    assert (folder / "slo.yml").read_text("utf-8") == written(found)
    assert {one.within_seconds for one in found} <= set(JOURNEY_SECONDS), "ratios are exact on an edge only"


def promtool(*arguments: str) -> int:
    return subprocess.run([str(shutil.which("promtool")), *arguments], check=False).returncode  # noqa: S603 -- ours


@pytest.mark.skipif(not shutil.which("amtool"), reason="make promtool installs it (Debian's package)")
@pytest.mark.parametrize(("severity", "receiver"), [("page", "on-call"), ("ticket", "tickets")])
def test_who_is_woken_and_who_gets_a_ticket(severity: str, receiver: str) -> None:
    file = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    words = ["config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receiver}"]
    done = subprocess.run([str(shutil.which("amtool")), *words, f"severity={severity}"], check=False)  # noqa: S603 -- ours
    assert done.returncode == 0
