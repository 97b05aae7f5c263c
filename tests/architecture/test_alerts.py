"""The rules for Prometheus: metrics that are published, and runbooks that are there."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from schemas.records.values import Tier
from tocsin.cli.canary import command as canary_command
from tocsin.runtime.families import JOURNEY_SECONDS, LAGS
from tocsin.runtime.metrics import REGISTRY
from tocsin.stack.objectives import BURNS, limit_of, promised, read, whole, written

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "deploy" / "prometheus").glob("*.yml"))
ENDS = ("bucket", "count", "sum")
WATCHED = {
    "delivered in time": "TocsinObjectiveBurnsFast TocsinObjectiveBurnsSlow",
    "never lost": "TocsinRecordsLost",
    "oldest undelivered": "TocsinUndelivered",
    "urgent without recipient": "TocsinUrgentWithoutRecipient",
    "silent source against its own habit": "TocsinSourceSilent",
    "canary age": "TocsinCanaryLate TocsinCanaryNeverCame TocsinCanaryNotSent",
    "recall late": "TocsinRecallNotAcknowledged TocsinRecallsNotWatched",
    "ledger out of balance": "TocsinLedgerUnbalanced TocsinLedgerNotRead",
    "member paused": "TocsinMemberPaused",
    "410 parked": "TocsinParked",
    "checkpoint stale": "TocsinCheckpointsStopped",
    "certificate expiring": "TocsinCertificateExpires",
    "key expiring": "TocsinKeyExpires",
    "disk": "TocsinDiskNearlyFull",
    "retention near a consumer's position": "TocsinRetentionNear",
}
"""What issue 6 asks to be watched, and the alerts that do."""
HEADINGS = ("Symptom", "Meaning", "Check", "Act", "Verify")
RECORDED = {name for file in FILES for name in re.findall(r"record: (\S+)", file.read_text("utf-8"))}
METRIC = re.compile(r"\b(?:tocsin[_:]|kafka_)[a-z_:]+")


def rules(content: str) -> list[dict[str, str]]:
    """What each alert says of itself, read line by line: the files nest nothing deeper."""
    found: list[dict[str, str]] = []
    for key, value in re.findall(r"^[ -]*(alert|record|expr|severity|step|runbook): (.+)$", content, re.MULTILINE):
        found += [{}] if key in ("alert", "record") else []
        found[-1][key] = value
    return found


ALERTS = list(
    {one["alert"]: one for file in FILES for one in rules(file.read_text("utf-8")) if "alert" in one}.values()
)


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


def test_what_the_issue_asks_to_be_watched_is_watched_and_nothing_else_is() -> None:
    alerts = {rule["alert"] for file in FILES for rule in rules(file.read_text("utf-8")) if "alert" in rule}
    assert alerts == {name for names in WATCHED.values() for name in names.split()}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_the_page_of_an_alert_says_symptom_meaning_check_act_and_verify(alert: dict[str, str]) -> None:
    page = (ROOT / alert["runbook"]).read_text("utf-8")
    assert re.findall(r"^\*\*(\w+)\.\*\*", page, re.MULTILINE) == list(HEADINGS)


def test_what_has_no_share_is_what_its_file_makes_and_canaries_are_sent_as_often_as_it_says() -> None:
    folder = ROOT / "deploy" / "prometheus"
    found = whole((folder / "slo.yaml").read_bytes())
    assert (folder / "promised.yml").read_text("utf-8") == promised(found)
    every = next(one for one in canary_command.params if one.name == "every_seconds")
    assert every.default == found.canary.every_seconds
    assert found.never_lost.records == 0


def test_the_objectives_rules_are_what_their_file_makes() -> None:
    folder = ROOT / "deploy" / "prometheus"
    found = read((folder / "slo.yaml").read_bytes())
    assert (folder / "burning.yml").read_text("utf-8") == written(found)
    assert {one.within_seconds for one in found} <= set(JOURNEY_SECONDS), "ratios are exact on an edge only"


def test_every_tier_is_promised_both_steps_and_every_alert_of_an_objective_can_fire() -> None:
    found = read((ROOT / "deploy" / "prometheus" / "slo.yaml").read_bytes())
    steps = sorted((one.tier, one.step) for one in found)
    assert steps == sorted((tier, step) for tier in set(Tier) - {Tier.UNKNOWN} for step in ("delivered", "taken_up"))
    assert all(limit_of(one, burn[1]) < 1 for one in found for burn in BURNS)


def promtool(*arguments: str) -> int:
    return subprocess.run([str(shutil.which("promtool")), *arguments], check=False).returncode  # noqa: S603 -- ours


@pytest.mark.skipif(not shutil.which("amtool"), reason="make promtool installs it (Debian's package)")
@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_who_is_woken_and_who_gets_a_ticket(alert: dict[str, str]) -> None:
    file = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    receiver = {"page": "on-call", "ticket": "tickets"}[alert["severity"]]
    words = ["config", "routes", "test", f"--config.file={file}", f"--verify.receivers={receiver}"]
    labels = [f"alertname={alert['alert']}", f"severity={alert['severity']}", "member=nl-hotline"]
    assert subprocess.run([str(shutil.which("amtool")), *words, *labels], check=False).returncode == 0  # noqa: S603 -- ours
