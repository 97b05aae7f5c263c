"""The rules for Prometheus: metrics that are published, and runbooks that are there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from schemas.records.values import Tier
from tocsin.runtime.families import JOURNEY_SECONDS, LAGS
from tocsin.runtime.metrics import REGISTRY
from tocsin.stack.objectives import BURNS, limit_of, read, written

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy" / "prometheus").glob("*.yml"))
ENDS = ("bucket", "count", "sum")
RECORDED = {name for file in FILES for name in re.findall(r"record: (\S+)", file.read_text("utf-8"))}
METRIC = re.compile(r"\b(?:tocsin[_:]|kafka_)[a-z_:]+")


def rules(content: str) -> list[dict[str, str]]:
    """What each alert says of itself, read line by line: the files nest nothing deeper."""
    found: list[dict[str, str]] = []
    for key, value in re.findall(r"^[ -]*(alert|record|expr|runbook): (.+)$", content, re.MULTILINE):
        found += [{}] if key in ("alert", "record") else []
        found[-1][key] = value
    return found


def unknown(expression: str) -> set[str]:
    published = {name for family in REGISTRY.collect() for name in {family.name, *(s.name for s in family.samples)}}
    published |= {f"{one.name}_total" for one in REGISTRY.collect() if one.type == "counter"}
    published |= {f"{one.name}_{end}" for one in REGISTRY.collect() if one.type == "histogram" for end in ENDS}
    return set(METRIC.findall(expression)) - published - RECORDED - {one.name for one in LAGS}


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


def test_the_objectives_rules_are_what_their_file_makes() -> None:
    folder = ROOT / "deploy" / "prometheus"
    found = read((folder / "slo.toml").read_bytes())
    assert (folder / "slo.yml").read_text("utf-8") == written(found)
    assert {one.within_seconds for one in found} <= set(JOURNEY_SECONDS), "ratios are exact on an edge only"


def test_every_tier_is_promised_both_steps_and_every_alert_of_an_objective_can_fire() -> None:
    found = read((ROOT / "deploy" / "prometheus" / "slo.toml").read_bytes())
    steps = sorted((one.tier, one.step) for one in found)
    assert steps == sorted((tier, step) for tier in set(Tier) - {Tier.UNKNOWN} for step in ("delivered", "taken_up"))
    assert all(limit_of(one, burn[1]) < 1 for one in found for burn in BURNS)


def promtool(*arguments: str) -> int:
    return subprocess.run([str(shutil.which("promtool")), *arguments], check=False).returncode  # noqa: S603 -- ours


@pytest.mark.skipif(not shutil.which("amtool"), reason="make promtool installs it (Debian's package)")
@pytest.mark.parametrize(("severity", "receiver"), [("page", "on-call"), ("ticket", "tickets")])
def test_who_is_woken_and_who_gets_a_ticket(severity: str, receiver: str) -> None:
    file = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    words = ["config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receiver}"]
    done = subprocess.run([str(shutil.which("amtool")), *words, f"severity={severity}"], check=False)  # noqa: S603 -- ours
    assert done.returncode == 0
