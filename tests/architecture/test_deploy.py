"""The units that start our processes: commands that exist, words that they take, no more rights than needed."""

import shutil
import subprocess
from collections.abc import Iterable
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from tocsin.cli.main import tocsin

UNITS = sorted((Path(__file__).parents[2] / "deploy" / "systemd").glob("*.service"))


def service(unit: Path) -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # keys of systemd keep their case
    parser.read_string(unit.read_text("utf-8"))
    return dict(parser["Service"])


def words(unit: Path) -> list[str]:
    _, *rest = service(unit)["ExecStart"].replace("%i", "nl-hotline").replace("${METRICS_PORT}", "9101").split()
    return rest


def test_there_is_a_unit_for_each_process_that_runs_all_the_time() -> None:
    assert {words(unit)[0] for unit in UNITS} == {"triage", "returns", "deliver", "lag", "canary", "ops"}
    lanes = {words(unit)[2] for unit in UNITS if words(unit)[0] == "triage"}
    assert lanes == {"escalated", "normal"}


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_starts_a_command_that_takes_its_words(unit: Path) -> None:
    name, *arguments = words(unit)
    command = tocsin.get_command(click.Context(tocsin), name)
    assert command is not None
    context = command.make_context(name, arguments)
    assert 9101 in context.params.values()


def test_a_word_that_a_command_does_not_take_would_be_noticed() -> None:
    command = tocsin.get_command(click.Context(tocsin), "triage")
    assert command is not None
    with pytest.raises(click.UsageError):
        command.make_context("triage", ["--lane", "sideways"])


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_runs_as_a_user_who_may_write_its_own_state_and_nothing_else(unit: Path) -> None:
    found = service(unit)
    assert (found["User"], found["UMask"], found["ProtectSystem"]) == ("tocsin", "0077", "strict")
    assert found["NoNewPrivileges"] == "yes"
    told = dict(word.split("=", 1) for word in found["Environment"].split())
    assert found["ReadWritePaths"] == told["TOCSIN_HOME"]
    assert all(Path(folder).is_relative_to(told["TOCSIN_HOME"]) for folder in told.values())


def verified(units: Iterable[Path], place: Path) -> str:
    """What systemd says of them, with a program that is there."""
    for unit in units:
        (place / unit.name).write_text(unit.read_text("utf-8").replace("/opt/tocsin/bin/tocsin", "/bin/true"))
    words = ["systemd-analyze", "verify", "--man=no", *(str(place / unit.name) for unit in units)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    return done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_has_nothing_to_say_of_the_units_and_would_of_a_word_that_it_does_not_know(tmp_path: Path) -> None:
    assert verified(UNITS, tmp_path) == ""
    wrong = tmp_path / "wrong" / UNITS[0].name
    wrong.parent.mkdir()
    wrong.write_text(UNITS[0].read_text("utf-8").replace("NoNewPrivileges", "NoNewPrivilege"))
    assert "NoNewPrivilege" in verified([wrong], tmp_path)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_ends_is_started_again_and_has_time_to_end_well(unit: Path) -> None:
    found = service(unit)
    assert (found["Restart"], found["KillSignal"]) == ("on-failure", "SIGTERM")
    assert int(found["TimeoutStopSec"]) > 30
