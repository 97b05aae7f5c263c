"""What tests fork starts as a process of its own as well, which has imported nothing before, and says the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders import commands

FORKED = (
    "disclosures",
    "erase",
    "explain",
    "hold",
    "keyring",
    "keys",
    "policy",
    "quality",
    "queue",
    "recall",
    "recalls",
    "receipts",
    "reroute",
    "subject",
    "verify",
)
"""What tests on the stack only fork; others, such as `publish`, some of them start in full."""


def started(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tocsin", *words]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)  # noqa: S603  # our own words


@pytest.mark.parametrize("name", FORKED)
def test_it_starts_alone_and_says_what_it_says_where_all_others_are_imported(name: str) -> None:
    alone, forked = started(name, "--help"), commands.ran((name, "--help"))
    assert (alone.returncode, alone.stderr) == (0, "")
    assert alone.stdout.replace("python -m tocsin", "tocsin") == forked.stdout
    assert (forked.returncode, forked.stderr) == (0, "")


def test_a_failure_keeps_its_code_and_its_words_beside_the_output(tmp_path: Path) -> None:
    alone, forked = started("status", "--nonsense"), commands.ran(("status", "--nonsense"))
    assert (forked.returncode, forked.stdout) == (alone.returncode, alone.stdout) == (2, "")
    assert forked.stderr == alone.stderr.replace("python -m tocsin", "tocsin")


def test_what_is_forked_has_the_environment_of_its_moment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands.ran(("--version",))
    (tmp_path / "home").write_text("no folder")
    monkeypatch.setenv("TOCSIN_HOME", str(tmp_path / "home"))
    assert str(tmp_path / "home") in commands.ran(("status",)).stderr


def test_what_takes_too_long_is_ended_and_said() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        commands.ran(("--version",), timeout_seconds=0)


def test_a_forked_worker_has_its_log_from_the_first_moment(tmp_path: Path) -> None:
    with commands.a_crew(tmp_path, tmp_path / "logs") as crew:
        crew.start("said", ("--version",))
        assert crew.log("said").exists(), "whoever waits for a line in it reads it at once"
