"""`tocsin keys` on a home that a local stack would have made: a key is made, replaced, asked for, admitted, revoked."""

import time
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from schemas.failures import Broken, Refused
from tocsin.cli.keys import command
from tocsin.policy.store.trust import new_key
from tocsin.runtime.keys.changing import DAY_MS
from tocsin.runtime.keys.publishing import Keeper
from tocsin.stack.keys import LocalKeys


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Keys and settings of two principals; nothing runs."""
    keys = LocalKeys(tmp_path / "keys")
    keys.provide(("ops", "plat-a"), int(time.time() * 1000))  # type: ignore[arg-type]  # names as a test writes them
    (tmp_path / "config").mkdir()
    for principal in ("ops", "plat-a"):
        settings = {
            "principal": principal,
            "state": str(tmp_path),
            "policy": str(tmp_path),
            "kafka": {"bootstrap": "127.0.0.1:1"},
            "registry": {"url": "https://127.0.0.1:1", "cache": str(tmp_path)},
            "trust": {
                "keys": str(keys.folder(principal)),
                "directory": str(keys.keeper.file),
                "keeper": str(keys.keeper.key),
            },
        }
        (tmp_path / "config" / f"{principal}.toml").write_bytes(msgspec.toml.encode(settings))
    return tmp_path


def said(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, [*arguments, "--home", str(home)], catch_exceptions=True)


def two_people(home: Path, folder: Path) -> dict[str, tuple[str, ...]]:
    """The deployment names two who sign from now on; tells with what each of them does."""
    trust, ops = folder / "trust.toml", home / "config" / "ops.toml"
    people = (f'[signer.{who}]\npublic_key = "{new_key(folder / who)}"\n' for who in ("anna", "ben"))
    trust.write_text('first = "none"\n' + "".join(people), "utf-8")
    ops.write_text(f'policy_trust = "{trust}"\n{ops.read_text("utf-8")}', "utf-8")
    petition = ("--petition", str(folder / "petition"))
    return {who: (*petition, "--signer", who, "--key", str(folder / who)) for who in ("anna", "ben")}


def names(home: Path) -> list[str]:
    return [file.name.split(".")[0] for file in sorted((home / "keys" / "plat-a").glob("*.sign.pem"))]


def test_a_key_is_replaced_and_the_old_one_is_listed_with_its_early_end(home: Path) -> None:
    assert "has the new key" in said(home, "rotate", "--as", "plat-a").output
    listed = said(home, "list", "--of", "plat-a").output
    assert len(names(home)) == 2
    assert all(name in listed for name in names(home))


def test_whose_last_key_ends_soon_is_told_until_it_is_replaced(home: Path) -> None:
    soon_ms = int(time.time() * 1000) + 20 * DAY_MS
    keeper = Keeper(home / "keys" / "keeper")
    ending = [replace(key, valid_until_ms=soon_ms) for key in keeper.directory().keys if key.principal == "plat-a"]
    keeper.change(lambda directory: replace(directory, number=directory.number + 1, keys=tuple(ending)))
    listed = said(home, "list").output
    assert "plat-a to sign ends in 19 days" in listed
    assert "tocsin keys rotate --as plat-a --use seal" in listed
    said(home, "rotate", "--as", "plat-a")
    assert "plat-a to sign ends" not in said(home, "list").output


def refusal(result: Result) -> str:
    """The code with which it was refused."""
    assert isinstance(result.exception, Refused | Broken), result
    return result.exception.code


def requested(home: Path, *words: str) -> str:
    note = home / "request.note"
    assert "send request.note" in said(home, "new", "--as", "plat-a", "--request", str(note), *words).output
    return str(note)


def test_a_key_that_is_asked_for_is_looked_at_first_and_one_person_alone_admits_none(home: Path) -> None:
    (before,) = names(home)
    note = requested(home)
    (mine,) = set(names(home)) - {before}
    would = said(home, "admit", note, "--dry-run").output
    assert f"The key {mine} of plat-a to sign would be admitted. A live key of the member vouches for it." in would
    assert refusal(said(home, "admit", note, "--reason", "a second one")) == "petition.no_people"
    assert mine not in said(home, "list").output


def test_two_people_admit_a_key_and_what_the_log_cannot_keep_is_not_done(home: Path, tmp_path: Path) -> None:
    (before,) = names(home)
    note, pens = requested(home), two_people(home, tmp_path)
    assert refusal(said(home, "admit", note, "--reason", "a second one")) == "petition.needed"
    asked = said(home, "admit", note, "--reason", "a second one", *pens["anna"]).output
    assert "would be admitted" in asked
    assert "Nothing was done" in asked
    assert refusal(said(home, "admit", *pens["anna"])) == "promotion.same_signer"
    assert refusal(said(home, "admit", *pens["ben"])) == "database.none"
    listed = said(home, "list").output
    assert [name for name in names(home) if name in listed] == [before]


def test_a_petition_for_another_note_does_not_admit_what_nobody_vouches_for(home: Path, tmp_path: Path) -> None:
    note, pens = Path(requested(home)), two_people(home, tmp_path)
    said(home, "admit", str(note), "--reason", "a second one", *pens["anna"])
    petition = tmp_path / "petition"
    forged = petition.read_text("utf-8").replace("plat-a sign", "plat-b sign")
    petition.write_text(forged, "utf-8")
    assert refusal(said(home, "admit", *pens["ben"])) == "petition.not_granted"
    note.write_text(note.read_text("utf-8").replace("plat-a sign", "plat-b sign"), "utf-8")
    assert refusal(said(home, "admit", str(note), "--dry-run")) == "keys.request_unproven"


def test_a_first_key_vouches_for_itself_and_that_is_said(home: Path) -> None:
    keeper = Keeper(home / "keys" / "keeper")
    keeper.change(lambda directory: replace(directory, number=directory.number + 1, keys=()))
    would = said(home, "admit", requested(home), "--dry-run").output
    assert "It vouches for itself: compare its name with the member, on a number that you know." in would


@pytest.mark.parametrize("how", ["new", "rotate"])
def test_where_two_people_are_named_nobody_makes_a_members_key_alone(home: Path, tmp_path: Path, how: str) -> None:
    two_people(home, tmp_path)
    before = names(home)
    refused = said(home, how, "--as", "plat-a")
    assert refusal(refused) == "keys.by_request"
    assert "tocsin keys new --as plat-a --use sign --request FILE" in str(refused.exception)
    assert names(home) == before
    assert "has the new key" in said(home, how, "--as", "ops").output, "a process's key lies here anyway"


def test_a_revocation_is_tried_first_and_by_one_person_where_two_are_not_named_it_is_refused(home: Path) -> None:
    (name,) = names(home)
    assert "would be revoked" in said(home, "revoke", name, "--reason", "lost", "--dry-run").output
    refused = said(home, "revoke", name, "--reason", "lost").exception
    assert isinstance(refused, Refused)
    assert refused.code == "petition.no_people"
    assert "revoked" not in said(home, "list").output


def test_two_people_revoke_and_what_the_log_cannot_keep_is_not_done(home: Path, tmp_path: Path) -> None:
    (name,) = names(home)
    pens = two_people(home, tmp_path)
    assert "Nothing was done" in said(home, "revoke", name, "--reason", "lost", *pens["anna"]).output
    same = said(home, "revoke", *pens["anna"]).exception
    assert isinstance(same, Refused)
    assert same.code == "promotion.same_signer"
    failed = said(home, "revoke", *pens["ben"]).exception
    assert isinstance(failed, Broken)
    assert failed.code == "database.none"
    assert "revoked" not in said(home, "list").output


def test_the_keepers_key_is_what_members_verify_with(home: Path) -> None:
    assert said(home, "keeper").output.startswith("tocsin-key-directory+")


def _sealing(home: Path) -> list[str]:
    return [file.name.split(".")[0] for file in sorted((home / "keys" / "plat-a").glob("*.seal.pem"))]


def _ends(home: Path, name: str, days_ago: int) -> None:
    ended_ms = int(time.time() * 1000) - days_ago * DAY_MS
    keeper = Keeper(home / "keys" / "keeper")
    keys = tuple(
        replace(key, valid_from_ms=0, valid_until_ms=ended_ms) if key.key_id == name else key
        for key in keeper.directory().keys
    )
    keeper.change(lambda directory: replace(directory, number=directory.number + 1, keys=keys))


@pytest.mark.parametrize(("days_ago", "left"), [(29, 2), (31, 1)])
def test_a_sealing_key_is_destroyed_once_nothing_on_a_topic_is_sealed_to_it(
    home: Path, days_ago: int, left: int
) -> None:
    (old,) = _sealing(home)
    said(home, "rotate", "--as", "plat-a", "--use", "seal")
    _ends(home, old, days_ago)
    assert "would be destroyed" in said(home, "destroy", "--as", "plat-a", "--dry-run").output or left == 2
    assert len(_sealing(home)) == 2
    said(home, "destroy", "--as", "plat-a")
    assert len(_sealing(home)) == left


def test_a_live_sealing_key_is_not_destroyed_whoever_asks(home: Path) -> None:
    (live,) = _sealing(home)
    refused = said(home, "destroy", "--as", "plat-a", live, "--at-once", "--reason", "file 1")
    assert isinstance(refused.exception, Refused)
    assert "no sealing key that can go" in said(home, "destroy", "--as", "plat-a").output
    assert _sealing(home) == [live]
