"""The keys of triage: made once, private, and exchanged without a gap."""

from pathlib import Path

import pytest

from processors.keyring import add_digest_key, begin_keyring, digest_keys, key_mark, keyring, retire_digest_key
from schemas.failures import Broken, Refused
from tocsin.runtime.ledger.workers import Worker


def test_keys_are_made_on_first_use_and_stay(tmp_path: Path) -> None:
    assert keyring(tmp_path) == keyring(tmp_path)
    assert digest_keys(tmp_path) == ("digest-0001",)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "keyring").iterdir()} == {0o600}


def test_the_first_keys_are_made_ahead_for_workers_that_get_copies_and_never_written_over(tmp_path: Path) -> None:
    made = begin_keyring(tmp_path)
    assert made == ("digest-0001.key", "near.key", "recipient.key")
    before = {name: (tmp_path / "keyring" / name).read_bytes() for name in made}
    with pytest.raises(Refused) as refused:
        begin_keyring(tmp_path)
    assert refused.value.code == "keyring.begun"
    assert {name: (tmp_path / "keyring" / name).read_bytes() for name in made} == before


def test_a_new_key_comes_first_and_the_old_one_stays_until_it_is_retired(tmp_path: Path) -> None:
    (old,) = keyring(tmp_path).keys.digest
    name = add_digest_key(tmp_path)
    new, still = keyring(tmp_path).keys.digest
    assert (name, still) == ("digest-0002", old)
    retire_digest_key(tmp_path, "digest-0001")
    assert keyring(tmp_path).keys.digest == (new,)
    assert add_digest_key(tmp_path) == "digest-0003"


def test_rotating_changes_neither_recipients_keys_nor_the_veil(tmp_path: Path) -> None:
    before = keyring(tmp_path)
    add_digest_key(tmp_path)
    after = keyring(tmp_path)
    assert (after.keys.recipient, after.near) == (before.keys.recipient, before.near)


@pytest.mark.parametrize("name", ["digest-0001", "digest-0009", "near"])
def test_the_newest_key_and_what_is_none_cannot_be_retired(tmp_path: Path, name: str) -> None:
    keyring(tmp_path)
    with pytest.raises(Refused):
        retire_digest_key(tmp_path, name)


def test_there_are_not_more_keys_than_a_claim_bears(tmp_path: Path) -> None:
    for _ in range(3):
        add_digest_key(tmp_path)
    with pytest.raises(Refused, match="Retire one"):
        add_digest_key(tmp_path)


@pytest.mark.parametrize(("content", "mode"), [(b"short", 0o600), (b"k" * 32, 0o644)])
def test_a_damaged_or_open_key_stops_triage(tmp_path: Path, content: bytes, mode: int) -> None:
    keyring(tmp_path)
    file = tmp_path / "keyring" / "near.key"
    file.write_bytes(content)
    file.chmod(mode)
    with pytest.raises(Broken, match=r"near\.key"):
        keyring(tmp_path)


def test_an_old_key_is_not_retired_while_a_worker_runs_without_the_new_one(tmp_path: Path) -> None:
    old = keyring(tmp_path).keys.digest
    add_digest_key(tmp_path)
    both = keyring(tmp_path).keys.digest
    late, ready = (Worker(instance=name, keys=tuple(map(key_mark, keys))) for name, keys in (("a", old), ("b", both)))
    without_keys = Worker(instance="returns-0")
    with pytest.raises(Refused, match="found a without it") as caught:
        retire_digest_key(tmp_path, "digest-0001", [late, ready, without_keys])
    assert caught.value.code == "keyring.still_in_use"
    assert digest_keys(tmp_path) == ("digest-0001", "digest-0002"), "nothing was deleted"
    retire_digest_key(tmp_path, "digest-0001", [ready, without_keys])


def test_another_key_of_the_same_name_is_another_key(tmp_path: Path) -> None:
    homes = [tmp_path / name for name in "ab"]
    for home in homes:
        home.mkdir()
        add_digest_key(home)
    elsewhere = Worker(instance="a", keys=tuple(map(key_mark, keyring(homes[1]).keys.digest)))
    with pytest.raises(Refused):
        retire_digest_key(homes[0], "digest-0001", [elsewhere])
