"""Servers that are there and empty become an exchange by one command, and stay one when it is said again."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.topics import OPS
from tocsin.stack.local import LocalStack
from tocsin.stack.settings_files import write_settings

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def empty() -> Iterator[Path]:
    """The home of servers on which nothing was made, with the settings of `ops`."""
    home = Path(tempfile.mkdtemp(prefix="tocsin-test-"))
    stack = LocalStack(home, brief=True)
    try:
        stack.revive()
        write_settings(stack, OPS, home / "policy", home / "config" / "policy-trust.toml")
        yield home
    finally:
        stack.down()
        shutil.rmtree(home, ignore_errors=True)


def said(*words: str) -> tuple[int, str]:
    program = str(Path(sys.executable).with_name("tocsin"))
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)  # noqa: S603 -- ours
    return done.returncode, done.stdout + done.stderr


def test_empty_servers_are_made_an_exchange_once(empty: Path) -> None:
    secret = str(empty / "secrets" / "registry-writer.password")
    provision = ("provision", "--home", str(empty), "--first-policy", "sample", "--registry-password", secret)
    code, first = said(*provision)
    assert (code, "topics: 0 made" in first) == (0, False), first
    code, second = said(*provision)
    assert (code, "topics: 0 made, and 0 access rules" in second) == (0, True), second
    assert said("acl", "plan", "--home", str(empty))[0] == 0


def test_a_registry_that_asks_for_a_password_is_not_written_without(empty: Path) -> None:
    code, told = said("provision", "--home", str(empty), "--only", "schemas")
    assert (code, "schema.not_allowed" in told) == (4, True)
