"""The doctor names each setting that gives up what stands between a process and others, but for a local stack's."""

from pathlib import Path

import pytest

from tocsin.stack.doctor.findings import Finding, Level
from tocsin.stack.doctor.given_up import of_settings

PROCESS = """principal = "{name}"
state = "state"
policy = "policy"
kafka = {{ bootstrap = "broker.example.test:9093" }}
registry = {{ url = "https://registry.example.test", cache = "cache" }}
"""
PLAIN = 'metrics_host = "0.0.0.0"\nmetrics_plaintext = true\n'
SINK = """[[sinks]]
kind = "https"
name = "{name}"
url = "https://localhost:8480/referrals"
secret_file = "secret"
this_machine = {here}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "ops.toml").write_text(PROCESS.format(name="ops"), "utf-8")
    (tmp_path / "policy-trust.toml").write_text("first = ''\n", "utf-8")
    sinks = "".join(SINK.format(name=name, here="false") for name in ("one", "two"))
    (tmp_path / "nl-hotline.delivery.toml").write_text(sinks, "utf-8")
    return tmp_path


def examined(config: Path) -> list[Finding]:
    found = list(of_settings(config, local_stack=False))
    assert {finding.part for finding in found} == {"settings"}
    return found


def test_settings_that_give_nothing_up_are_one_line(config: Path) -> None:
    (whole,) = examined(config)
    assert (whole.level, whole.says) == (Level.OK, "2 files, and none gives anything up")


def test_a_metrics_port_that_answers_in_plain_is_named_with_its_address(config: Path) -> None:
    (config / "triage.toml").write_text(PLAIN + PROCESS.format(name="triage"), "utf-8")
    (found,) = examined(config)
    assert (found.level, "triage.toml has metrics_plaintext = true: at 0.0.0.0" in found.says) == (Level.WARN, True)
    assert "[metrics_tls]" in found.next_command


def test_each_sink_that_may_post_to_its_own_machine_is_named(config: Path) -> None:
    sinks = SINK.format(name="one", here="false") + SINK.format(name="two", here="true")
    (config / "nl-hotline.delivery.toml").write_text(sinks, "utf-8")
    (found,) = examined(config)
    assert (found.level, found.next_command.startswith("take it out")) == (Level.WARN, True)
    assert found.says.startswith("nl-hotline.delivery.toml has this_machine = true for the sink two")


def test_on_a_local_stack_both_are_for_trying(config: Path) -> None:
    (config / "triage.toml").write_text(PLAIN + PROCESS.format(name="triage"), "utf-8")
    (config / "nl-hotline.delivery.toml").write_text(SINK.format(name="one", here="true"), "utf-8")
    assert [found.level for found in of_settings(config, local_stack=True)] == [Level.OK]


@pytest.mark.parametrize("name", ["triage.toml", "nl-hotline.delivery.toml"])
def test_a_file_that_cannot_be_read_is_told_and_the_others_are_looked_at(name: str, config: Path) -> None:
    (config / "returns.toml").write_text(PLAIN + PROCESS.format(name="returns"), "utf-8")
    (config / name).write_text("nonsense = 1\n", "utf-8")
    assert len([found for found in examined(config) if name in found.says]) == 1
    assert any("returns.toml" in found.says for found in examined(config))
    (config / name).unlink()
    (config / name).mkdir()  # whoever runs the tests may read every file
    assert any(f"{name} cannot be read by you" in found.says for found in examined(config))
