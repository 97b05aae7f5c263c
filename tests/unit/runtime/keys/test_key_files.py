"""Private keys on disk: made private, read back, and refused where others can read them."""

from pathlib import Path

import pytest

from schemas.failures import Broken
from schemas.records.identifiers import KeyId
from tocsin.runtime.keys.files import KeyFolder, Use, key_id_of, new_key


def test_a_key_is_read_back_as_it_was(tmp_path: Path) -> None:
    folder, key = KeyFolder(tmp_path / "plat-a"), new_key(Use.SIGN)
    name = folder.add(Use.SIGN, key)
    assert folder.names(Use.SIGN) == (name,)
    assert folder.names(Use.SEAL) == ()
    assert folder.signing(name).public_key() == key.public_key()


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "plat-a")
    folder.add(Use.SEAL, new_key(Use.SEAL))
    (file,) = (tmp_path / "plat-a").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, what: str) -> None:
    folder = KeyFolder(tmp_path / "plat-a")
    name = folder.add(Use.SIGN, new_key(Use.SIGN))
    (file,) = (tmp_path / "plat-a").iterdir()
    {"file": file, "folder": file.parent}[what].chmod(0o750)
    with pytest.raises(Broken, match="others can read") as refused:
        folder.signing(name)
    assert refused.value.code == "keys.too_open"


def test_a_missing_or_exchanged_key_is_refused(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "plat-a")
    with pytest.raises(Broken, match="Restore it"):
        folder.signing(KeyId("0" * 16))
    name = folder.add(Use.SIGN, new_key(Use.SIGN))
    other = folder.add(Use.SIGN, new_key(Use.SIGN))
    (tmp_path / "plat-a" / f"{other}.sign.pem").replace(tmp_path / "plat-a" / f"{name}.sign.pem")
    with pytest.raises(Broken, match="no private key of that name"):
        folder.signing(name)


def test_the_same_bytes_for_two_uses_have_two_names() -> None:
    assert key_id_of(Use.SIGN, b"k" * 32) != key_id_of(Use.SEAL, b"k" * 32)
