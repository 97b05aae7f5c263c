"""The keys of triage: made once, private, and exchanged without a gap."""

from pathlib import Path

import pytest

from processors.keyring import add_digest_key, digest_keys, keyring, retire_digest_key
from schemas.failures import Broken, Refused


def test_keys_are_made_on_first_use_and_stay(tmp_path: Path) -> None:
    assert keyring(tmp_path) == keyring(tmp_path)
    assert digest_keys(tmp_path) == ("digest-0001",)
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "keyring").iterdir()} == {0o600}


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
