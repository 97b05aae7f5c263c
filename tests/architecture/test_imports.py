"""The layers hold, and the guard notices when they do not."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.builders.sources import imported, trees

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("schemas", "tocsin", "producers", "processors", "consumers")


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
        "--no-cache",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603 -- fixed words


def copy_of_the_tree(folder: Path) -> Path:
    for package in PACKAGES:
        for source in (ROOT / package).rglob("*.py"):
            target = folder / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return folder


def test_the_product_is_made_of_nothing_that_tests_are_made_of() -> None:
    used = {name.partition(".")[0] for tree in trees().values() for name in imported(tree)}
    assert not used & {"tests", "benchmarks", "pytest", "hypothesis", "_pytest", "atheris", "schemathesis"}
    assert "schemas" in used, "or this test would see nothing"


def test_the_layers_hold() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "statement"),
    [
        ("schemas/planted.py", "import tocsin.runtime.failures"),
        ("consumers/planted.py", "import producers"),
        ("processors/steps/route/planted.py", "import processors.steps.classify"),
        ("tocsin/policy/planted.py", "import tocsin.runtime.failures"),
        ("processors/steps/route/planted.py", "import time"),
        ("consumers/formats/planted.py", "import logging"),
        ("producers/feeds/jsonl/mapping.py", "import sqlalchemy"),
    ],
)
def test_a_planted_violation_is_found(tmp_path: Path, module: str, statement: str) -> None:
    folder = copy_of_the_tree(tmp_path)
    (folder / module).write_text(f'"""Planted."""\n\n{statement}\n')
    result = lint_imports(folder)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout
