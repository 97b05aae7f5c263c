"""`tocsin keys begin`: an exchange gets its first keys without a local stack, and goes on with them."""

import time
from pathlib import Path
from stat import S_IMODE

import click
import msgspec
import pytest
from click.testing import CliRunner, Result

from schemas.failures import Broken, Refused
from schemas.records.identifiers import MemberId
from schemas.topics import OPS, PROCESSES, RETURNS, TRIAGE
from tocsin.cli import keyring
from tocsin.cli.auditing.admitting import admission
from tocsin.cli.keys import command
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.files import KeyFolder, Use
from tocsin.runtime.keys.publishing import Keeper, directory_of
from tocsin.runtime.settings import load

CANARY = MemberId("canary")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "exchange"


def now_ms() -> int:
    return int(time.time() * 1000)


def said(home: Path, *words: str, of: click.Command = command) -> Result:
    return CliRunner().invoke(of, [*words, "--home", str(home)])


def begun(home: Path) -> str:
    """The line that the directory is verified with."""
    result = said(home, "begin", "--as", CANARY)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def settings_of(place: Path, principal: MemberId, home: Path, line: str) -> Path:
    """A settings file of a process or member elsewhere, which believes the directory of this home."""
    settings = {
        "principal": principal,
        "state": str(place),
        "policy": str(place),
        "kafka": {"bootstrap": "127.0.0.1:1"},
        "registry": {"url": "https://127.0.0.1:1", "cache": str(place)},
        "trust": {
            "keys": str(place / "keys"),
            "directory": str(home / "keys" / "keeper" / "directory.note"),
            "keeper": line,
        },
    }
    file = place / "config" / f"{principal}.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.toml.encode(settings))
    return file


def read_as(home: Path, principal: MemberId, line: str) -> Directory:
    """The directory as a process with those settings reads and verifies it."""
    current = directory_of(load(settings_of(home.with_name("elsewhere"), principal, home, line)).trust)
    assert current is not None
    return current()


def private_files(home: Path) -> dict[str, bytes]:
    return {str(file.relative_to(home)): file.read_bytes() for file in sorted(home.rglob("*.pem"))}


def test_each_process_has_a_live_key_of_each_use_that_a_reader_verifies_with_the_printed_line(home: Path) -> None:
    directory = read_as(home, TRIAGE, begun(home))
    assert {key.principal for key in directory.keys} == {*PROCESSES, CANARY}
    for principal in (*PROCESSES, CANARY):
        own = KeyFolder(home / "keys" / principal)
        for use in Use:
            (key,) = directory.live(principal, use, now_ms())
            assert own.names(use) == (key.key_id,)


def test_private_keys_are_their_owners_alone(home: Path) -> None:
    begun(home)
    assert {S_IMODE((home / name).stat().st_mode) for name in private_files(home)} == {0o600}
    folders = {file.parent for file in home.rglob("*.pem")} | {home / "keys", home}
    assert {S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


def test_keys_that_are_there_are_never_written_over(home: Path) -> None:
    begun(home)
    before = private_files(home), (home / "keys" / "keeper" / "directory.note").read_bytes()
    refused = said(home, "begin").exception
    assert isinstance(refused, Refused)
    assert refused.code == "keys.begun"
    assert (private_files(home), (home / "keys" / "keeper" / "directory.note").read_bytes()) == before
    assert [file.name for file in home.iterdir()] == ["keys"]


def test_another_files_place_is_not_taken_either(home: Path) -> None:
    (home / "keys").mkdir(parents=True)
    (home / "keys" / "of-somebody.pem").write_text("mine")
    assert isinstance(said(home, "begin").exception, Refused)
    assert private_files(home) == {"keys/of-somebody.pem": b"mine"}


def test_its_keeper_goes_on_in_the_same_home_without_settings(home: Path) -> None:
    line = begun(home)
    assert said(home, "keeper").stdout.strip() == line
    assert "has the new key" in said(home, "rotate", "--as", RETURNS).output
    directory = read_as(home, OPS, line)
    assert len(directory.live(RETURNS, Use.SIGN, now_ms())) == 2
    assert all(key.key_id in said(home, "list", "--of", RETURNS).output for key in directory.of(RETURNS, Use.SIGN))


def test_a_name_that_was_not_begun_gets_no_key_by_a_slip_of_the_pen(home: Path) -> None:
    begun(home)
    assert isinstance(said(home, "new", "--as", "triag").exception, Broken)
    assert not (home / "keys" / "triag").exists()


def test_a_member_makes_its_own_key_and_the_keeper_admits_it_where_the_log_keeps_that(
    home: Path, tmp_path: Path
) -> None:
    line, member, note, at_member = begun(home), MemberId("plat-a"), tmp_path / "request.note", tmp_path / "member"
    settings_of(at_member, member, home, line)
    assert said(at_member, "new", "--as", member, "--request", str(note)).exit_code == 0
    assert isinstance(said(home, "admit", str(note), "--reason", "a new member").exception, Broken)
    keeper_of = Keeper(home / "keys" / "keeper")
    keeper_of.change(admission(keeper_of.directory(), note.read_text("utf-8"), now_ms()).change)
    assert read_as(home, TRIAGE, line).live(member, Use.SIGN, now_ms())


def test_the_digest_keys_are_made_beside_them_and_not_twice(home: Path) -> None:
    assert "digest-0001.key, near.key, recipient.key were made" in said(home, "begin", of=keyring.command).output
    refused = said(home, "begin", of=keyring.command).exception
    assert isinstance(refused, Refused)
    assert refused.code == "keyring.begun"
