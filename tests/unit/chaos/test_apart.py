"""A run that falls over has a verdict as well, and so have those after it."""

import json
from pathlib import Path

import pytest

from tests.chaos.apart import met_apart

PROGRAMS = {
    "fallen": "print('half a verd', end=''); raise KeyError('referral')",
    "sound": "import json; print(json.dumps({'clean': True, 'fault': 'disk'}))",
    "foul": "import json; print(json.dumps({'clean': False})); raise SystemExit(3)",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the programs lie that stand for a run."""
    for name, text in PROGRAMS.items():
        (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_a_run_that_crashes_is_not_clean_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert met_apart("disk", 7, [], "fallen") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["clean"], told["fault"], told["seed"]) == (False, "disk", 7)
    assert told["why"] == "KeyError: 'referral' (exit code 1)"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("program", "clean", "code"), [("sound", True, 0), ("foul", False, 3)])
def test_a_verdict_of_its_own_is_passed_on_as_it_is(
    capsys: pytest.CaptureFixture[str], program: str, clean: bool, code: int
) -> None:
    assert met_apart("disk", 7, [], program) == code
    assert json.loads(capsys.readouterr().out)["clean"] is clean
