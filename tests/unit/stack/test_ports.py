"""Ports that homes keep: the same ever after, and never another home's, whoever chooses at the same time."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tocsin.stack.port_claims import claims
from tocsin.stack.ports import known_ports, ports_of

NAMES = ("kafka", "postgresql", "registry", "registry-management")


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine on which nobody chose before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tocsin"


def home(tmp_path: Path, name: str) -> Path:
    made = tmp_path / name
    made.mkdir(exist_ok=True)
    return made


def test_a_home_keeps_its_ports(tmp_path: Path) -> None:
    first = ports_of(home(tmp_path, "one"), NAMES)
    assert ports_of(home(tmp_path, "one"), NAMES) == first


def test_homes_that_choose_side_by_side_have_no_port_in_common(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.stack.ports.hash", lambda _: 0, raising=False)  # all would begin at the same
    homes = [home(tmp_path, f"home-{number}") for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        chosen = [port for ports in pool.map(lambda one: ports_of(one, NAMES), homes) for port in ports.values()]
    assert len(set(chosen)) == len(homes) * len(NAMES)


def test_what_a_deleted_home_had_may_be_chosen_again(tmp_path: Path, machine: Path) -> None:
    gone = home(tmp_path, "gone")
    had = set(ports_of(gone, NAMES).values())
    (gone / "ports.json").unlink()
    ports_of(home(tmp_path, "other"), ("kafka",))
    assert had.isdisjoint(json.loads((machine / "ports.json").read_text()))


def test_a_home_of_before_claims_what_it_has_as_it_starts(tmp_path: Path, machine: Path) -> None:
    old = home(tmp_path, "old")
    (old / "ports.json").write_text('{"kafka": 23456}')
    ports_of(old, ("kafka",))
    with claims(machine) as held:
        assert held == {23456: str(old.resolve())}
    assert known_ports(old) == {"kafka": 23456}


def test_a_file_of_claims_that_nobody_can_read_is_made_anew(tmp_path: Path, machine: Path) -> None:
    machine.mkdir(parents=True)
    (machine / "ports.json").write_text("half of")
    ports = ports_of(home(tmp_path, "one"), NAMES)
    with claims(machine) as held:
        assert set(held) == set(ports.values())
