"""What is installed: locked by hash, the same version for every role, and from no registry by name."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "requirements"
LOCKS = sorted(FOLDER.glob("*.txt"))
PIN = re.compile(r"^([a-z0-9.-]+)(?:\[[a-z,]+\])?==(\S+)", re.MULTILINE)

OF_SCHEMATHESIS = {
    "graphql-core",
    "harfile",
    "hypothesis-graphql",
    "jsonschema-rs",
    "pyrate-limiter",
    "werkzeug",
}
NIGHTLY = {"atheris", "schemathesis", "ziglang"} | OF_SCHEMATHESIS
"""What only `make fuzz`, `make attack` and `make wheels` install."""


def pins(lock: Path) -> set[tuple[str, str]]:
    return set(PIN.findall(lock.read_text("utf-8")))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_role_installs_what_was_tested_and_nothing_without_a_digest(lock: Path) -> None:
    assert pins(lock)
    assert {name for name, _ in pins(lock) - pins(FOLDER / "dev.txt")} <= NIGHTLY
    entries = re.split(r"\n(?=\S)", lock.read_text("utf-8"))
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_no_registry(lock: Path) -> None:
    assert "://" not in lock.read_text("utf-8")
