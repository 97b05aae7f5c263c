"""Each alert fires on the bad series and is silent on the near miss, and a rule that says something else is noticed."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from tests.builders.burning import series_of
from tocsin.stack.objectives import BURNS, FOLDER, Objective, read, written

SERIES = Path(__file__).parents[2] / "architecture" / "alerts"
BY_HAND = sorted(file.name for file in SERIES.glob("*.yml"))
OBJECTIVES = read((FOLDER / "slo.yaml").read_bytes())
PROMTOOL = str(shutil.which("promtool"))
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="make promtool installs it (Debian's package prometheus)"
)
BOTH = (True, False)
TIER = re.compile(r'tier="(\w+)"')
AT_ONCE = 8
"""Promtool mostly waits for its own disk."""
WAITS = re.compile(r"for: (\d+)m")
THRESHOLD = re.compile(r"(?<=[<>] )(\d+(?:\.\d+)?)")


def mutants(rules: str) -> Iterator[tuple[str, str]]:
    """Each comparison turned, each threshold moved, each patience lost or stretched: what changed, and all."""
    for found in re.finditer(r"(?<=\s)[<>](?=\s)", rules):
        if _is_in_alert(rules, found.start()) and not _is_filter(rules, found):
            other = "<" if found[0] == ">" else ">"
            yield f"{found[0]} to {other}", rules[: found.start()] + other + rules[found.end() :]
    for found in THRESHOLD.finditer(rules):
        if _is_in_alert(rules, found.start()) and not _is_filter(rules, found):
            for moved in _moved(float(found[0])):
                yield f"{found[0]} to {moved}", rules[: found.start()] + str(moved) + rules[found.end() :]
    for found in WAITS.finditer(rules):
        for minutes in (0, 6 * int(found[1])):
            yield f"{found[0]} to {minutes}m", rules[: found.start()] + f"for: {minutes}m" + rules[found.end() :]


def _moved(threshold: float) -> tuple[float, ...]:
    return (threshold / 2, threshold * 2) if threshold else (1.0, -1.0)


def _is_in_alert(rules: str, position: int) -> bool:
    line = rules[rules.rfind("\n", 0, position) + 1 : rules.find("\n", position)]
    before = re.findall(r"- (alert|record):", rules[:position])
    return line.strip().startswith("expr:") and before[-1] == "alert"


def _is_filter(rules: str, found: re.Match[str]) -> bool:
    """`metric > 0` inside a function only leaves out those for which there is nothing to measure."""
    return rules[found.end() :].split("\n", maxsplit=1)[0].removeprefix(" 0").startswith(")") and found[0] in (">", "0")


def passes(folder: Path, rules: str, series: str) -> bool:
    folder.mkdir(exist_ok=True)
    (folder / "rules.yml").write_text(rules, "utf-8")
    (folder / "series.yml").write_text(series, "utf-8")
    words = [PROMTOOL, "test", "rules", "series.yml"]
    return subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode == 0  # noqa: S603 -- ours


def survivors(folder: Path, rules: str, series: str) -> list[str]:
    """Changes that no series notices."""
    found = list(mutants(rules))
    assert found, "there is nothing to change: the patterns do not know these rules"
    with ThreadPoolExecutor(AT_ONCE) as pool:
        verdicts = pool.map(lambda one: passes(folder / str(one[0]), one[1][1], series), enumerate(found))
    return [what for (what, _), passed in zip(found, verdicts, strict=True) if passed]


def own_series(name: str) -> str:
    """Of a file by hand, beside whatever rules are put there."""
    return re.sub(r"(?<=rule_files:\n  - ).*", "rules.yml", (SERIES / name).read_text("utf-8"), count=1)


@needs_promtool
@pytest.mark.parametrize("name", BY_HAND)
def test_each_alert_fires_on_the_bad_series_and_is_silent_on_the_near_miss(name: str, tmp_path: Path) -> None:
    assert passes(tmp_path / "as-it-is", (FOLDER / name).read_text("utf-8"), own_series(name))


@needs_promtool
@pytest.mark.parametrize("name", BY_HAND)
def test_no_alert_can_be_changed_unnoticed(name: str, tmp_path: Path) -> None:
    assert survivors(tmp_path, (FOLDER / name).read_text("utf-8"), own_series(name)) == []


@needs_promtool
@pytest.mark.parametrize("burn", BURNS, ids=lambda burn: burn[0])
@pytest.mark.parametrize("one", OBJECTIVES, ids=lambda one: f"{one.step}-{one.tier}")
def test_an_objective_alarms_where_both_windows_burn_and_no_change_of_it_goes_unnoticed(
    one: Objective, burn: tuple[str, float, str, str, str], tmp_path: Path
) -> None:
    series = series_of(one, burn, "rules.yml")
    rules = written((one,))
    assert passes(tmp_path / "as-it-is", rules, series)
    assert survivors(tmp_path, only(rules, burn[0]), series) == []


def only(rules: str, speed: str) -> str:
    """Without the alerts of the other speed."""
    head, *parts = rules.split("      - alert:")
    return head + "".join(f"      - alert:{part}" for part in parts if part.startswith(f" TocsinObjectiveBurns{speed}"))


@pytest.mark.parametrize("name", BY_HAND)
def test_each_alert_has_both_series(name: str) -> None:
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / name).read_text("utf-8"))
    tested = re.findall(r"name: (\w+) (fires|is silent)$", (SERIES / name).read_text("utf-8"), re.MULTILINE)
    assert set(tested) == {(alert, how) for alert in alerts for how in ("fires", "is silent")}
    assert expectations((SERIES / name).read_text("utf-8")) == {
        (alert, is_there) for alert in alerts for is_there in BOTH
    }


@pytest.mark.parametrize("burn", BURNS, ids=lambda burn: burn[0])
@pytest.mark.parametrize("one", OBJECTIVES, ids=lambda one: f"{one.step}-{one.tier}")
def test_each_alert_of_an_objective_has_both_series(one: Objective, burn: tuple[str, float, str, str, str]) -> None:
    assert expectations(series_of(one, burn, "")) == {(f"TocsinObjectiveBurns{burn[0]}", is_there) for is_there in BOTH}


def test_there_is_no_alert_of_an_objective_beside_those() -> None:
    rules = [
        rule
        for group in yaml.safe_load((FOLDER / "burning.yml").read_text("utf-8"))["groups"]
        for rule in group["rules"]
    ]
    alerts = [rule for rule in rules if "alert" in rule]
    found = sorted((one["alert"], one["labels"]["step"], *set(TIER.findall(one["expr"]))) for one in alerts)
    made = [(f"TocsinObjectiveBurns{burn[0]}", one.step, str(one.tier)) for one in OBJECTIVES for burn in BURNS]
    assert found == sorted(made)


def expectations(series: str) -> set[tuple[str, bool]]:
    """Each alert with whether a test of it expects that it is there: what a test is called proves nothing."""
    checks = [one for test in yaml.safe_load(series)["tests"] for one in test["alert_rule_test"]]
    return {(one["alertname"], bool(one["exp_alerts"])) for one in checks}


def test_every_file_of_rules_has_its_series() -> None:
    assert {file.name for file in FOLDER.glob("*.yml")} == {*BY_HAND, "burning.yml"}
