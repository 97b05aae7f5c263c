"""The image of a role: built in stages, run by nobody in particular, with nothing but what the wheel needs."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "image" / "Dockerfile"


def lines(word: str) -> list[str]:
    text = DOCKERFILE.read_text("utf-8").replace("\\\n", " ")
    return [line.removeprefix(f"{word} ") for line in text.splitlines() if line.startswith(f"{word} ")]


def hadolint(dockerfile: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("hadolint")
    words = [str(tool), "--failure-threshold", "info", str(dockerfile)]
    return subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 -- of our locks


def test_hadolint_finds_nothing() -> None:
    found = hadolint(DOCKERFILE)
    assert (found.returncode, found.stdout) == (0, "")


def test_hadolint_would_find_a_package_without_its_version(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python:3.13-slim-bookworm\nRUN pip install tocsin\n")
    assert "DL3013" in hadolint(careless).stdout


def test_what_builds_does_not_run_and_what_runs_is_no_root() -> None:
    assert len(lines("FROM")) == 2
    assert lines("USER") == ["10001:10001"]
    assert lines("COPY")[-1] == "--from=build /opt/tocsin /opt/tocsin"
    assert "/live" in lines("HEALTHCHECK")[0]
    assert lines("ENTRYPOINT") == ['["/opt/tocsin/bin/tocsin"]']


def test_everything_is_installed_from_the_locks_with_digests() -> None:
    installs = [step for line in lines("RUN") for step in line.split("&&") if "pip install" in step]
    assert all("--require-hashes" in step or "--no-index" in step for step in installs)
    assert (ROOT / "requirements" / "build.txt").exists()


def test_the_ops_page_finds_in_its_image_what_draws_its_charts() -> None:
    (step,) = [step for line in lines("RUN") for step in line.split("&&") if "tocsin.stack.watching.uplot" in step]
    kept = step.split(";")[1].split()[-1]
    assert step.split() == [
        "if",
        "[",
        '"${ROLE}"',
        "=",
        "ops",
        "];",
        "then",
        *step.split(";")[1].split()[1:-1],
        f"{kept};",
        "fi",
    ]
    assert kept.startswith("/opt/tocsin/"), "or it does not reach the image"
    assert f"TOCSIN_UPLOT={kept}" in " ".join(lines("ENV")).split()


def test_the_build_is_given_what_the_wheel_is_made_of_and_no_home() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    packages = {"schemas", "tocsin", "producers", "processors", "consumers"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    carried = {*wheel["packages"], *wheel["shared-data"], *wheel["force-include"]}
    assert packages <= carried
    assert allowed == carried | {"pyproject.toml", "README.md", "LICENSE", "requirements"}
