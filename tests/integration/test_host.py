"""A host as deploy/README.md says it: its commands word for word, and each unit's own words in place of systemd."""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from tests.architecture.test_deploy import UNITS, service
from tests.builders.waiting import a_free_port, until
from tests.integration.test_stopping import answers

pytestmark = [pytest.mark.stack, pytest.mark.timeout(900)]  # pip takes minutes where others work too
ROOT = Path(__file__).parents[2]
MEMBER = "nl-hotline"
INSTALLED = "tocsin-deliver@.service"
"""The unit whose program is the one that the commands installed; that of the others is this checkout's."""


class Host(Struct, frozen=True, kw_only=True):
    """Where the commands put things, instead of the root of a machine."""

    folder: Path
    home: Path
    ports: Mapping[str, int]

    def here(self, words: str) -> str:
        """The same words, for this place."""
        places = {
            "/opt/tocsin": self.folder / "opt",
            "/etc/tocsin": self.folder / "etc",
            "/etc/systemd/system": self.folder / "units",
            "/var/lib/tocsin": self.home,
            ".venv/bin": Path(sys.executable).parent,
            " dist": f" {self.folder}/dist",
            "9101": self.ports[INSTALLED],
        }
        return re.sub("|".join(map(re.escape, places)), lambda found: str(places[found.group()]), words)

    def run(self, block: str) -> None:
        """The commands; what they ask of systemd is kept, and this test does it."""
        (self.folder / "units").mkdir(exist_ok=True)
        manager = f'systemctl() {{ echo "$@" >> {self.folder}/asked; }}\n'
        done = subprocess.run(  # noqa: S603  # our own words
            ["bash", "-euc", manager + self.here(block)],  # noqa: S607  # as above
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def started(self, unit: Path) -> subprocess.Popen[bytes]:
        """As systemd starts it: the environment and the command of the unit, with the file that it names."""
        found, instance = service(unit), MEMBER if unit.name == INSTALLED else "0"
        prefix = unit.name.removesuffix("@.service")
        named = {key: self.here(value).replace("%p", prefix).replace("%i", instance) for key, value in found.items()}
        file = Path(named["EnvironmentFile"])
        if unit.name != INSTALLED:
            file.write_text(f"METRICS_PORT={self.ports[unit.name]}\n")
        told = dict(line.split("=", 1) for line in (*named["Environment"].split(), *file.read_text().split()))
        program, *words = named["ExecStart"].replace("${METRICS_PORT}", told["METRICS_PORT"]).split()
        if unit.name != INSTALLED:
            program = str(Path(sys.executable).with_name("tocsin"))
        with (self.folder / f"{prefix}.log").open("wb") as log:
            environment = {"PATH": os.defpath, "HOME": str(self.home), **told}
            return subprocess.Popen([program, *words], cwd="/", env=environment, stdout=log, stderr=log)  # noqa: S603  # as above


def blocks() -> list[str]:
    """The commands of the section, in their order."""
    section = (ROOT / "deploy" / "README.md").read_text("utf-8").split("## A host\n")[1].split("\n## ")[0]
    return [textwrap.dedent(one) for one in re.findall(r"^ *```\n(.*?)```", section, re.DOTALL | re.MULTILINE)]


@pytest.fixture(scope="module")
def host(busy_stack: Any, tmp_path_factory: pytest.TempPathFactory) -> Host:
    made = Host(
        folder=tmp_path_factory.mktemp("host"),
        home=busy_stack.home,
        ports={unit.name: a_free_port() for unit in UNITS},
    )
    for block in blocks():
        made.run(block)
    return made


def test_the_commands_leave_the_units_where_systemd_looks_and_ask_it_to_start_one(host: Host) -> None:
    assert {file.name for file in (host.folder / "units").iterdir()} == {unit.name for unit in UNITS}
    asked = (host.folder / "asked").read_text().splitlines()
    assert asked == ["daemon-reload", f"enable --now tocsin-deliver@{MEMBER}"]


def test_each_unit_becomes_ready_and_ends_well_when_it_is_stopped(host: Host) -> None:
    """What was installed by the commands among them: it delivers for a member."""
    children = {unit.name: host.started(unit) for unit in UNITS}
    try:
        for name, port in host.ports.items():
            path = "/live" if "ops" in name else "/ready"
            until(lambda: answers(port, path), seconds=120, what=f"{name} does not become ready")  # noqa: B023  # at once
        for child in children.values():
            child.terminate()
        ends = time.monotonic() + min(int(service(unit)["TimeoutStopSec"]) for unit in UNITS)
        assert {name: child.wait(ends - time.monotonic()) for name, child in children.items()} == dict.fromkeys(
            children, 0
        )
    finally:
        for child in children.values():
            child.kill()
