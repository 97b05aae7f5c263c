"""What a home is made of: whole files, ports that stay, properties that Java reads, certificates in time."""

import json
import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Broken
from tocsin.stack.certificates import RENEWED_BEFORE, Authority, expiry
from tocsin.stack.doctor import findings
from tocsin.stack.files import write_whole
from tocsin.stack.kafka import properties_text
from tocsin.stack.local import require_home
from tocsin.stack.ports import ports_of, window
from tocsin.stack.postgres import NOBODY, ROOT, disguise
from tocsin.stack.secrets import password

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_file_is_replaced_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    file.chmod(0o644)
    write_whole(file, b"new")
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [file]


def test_a_password_is_made_once_and_never_empty(tmp_path: Path) -> None:
    first = password(tmp_path, "ops").read_text()
    assert first
    assert password(tmp_path, "ops").read_text() == first
    assert password(tmp_path, "triage").read_text() != first


def test_ports_stay_and_are_all_different(tmp_path: Path) -> None:
    first = ports_of(tmp_path, ("a", "b"))
    assert ports_of(tmp_path, ("a", "b", "c")) | first == ports_of(tmp_path, ("a", "b", "c"))
    assert len(set(json.loads((tmp_path / "ports.json").read_text()).values())) == 3


@given(st.integers(0, 65_535))
def test_ports_lie_below_the_ephemeral_range_wherever_it_leaves_room(ephemeral_start: int) -> None:
    lowest, highest = window(ephemeral_start)
    assert 1024 < lowest < highest <= 65_535
    assert highest <= ephemeral_start or ephemeral_start < 2025


def test_a_usual_machine_uses_the_usual_window() -> None:
    assert window(32_768) == (20_000, 32_768)
    assert window(15_000) == (1025, 15_000)
    assert window(1024) == (20_000, 32_768)


@given(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs", "Cc"])))
def test_java_reads_every_path_as_it_was(value: str) -> None:
    written = properties_text({"log.dirs": value})
    assert written.endswith(b"\n")
    assert written.decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16") == f"log.dirs={value}\n"


def test_a_folder_with_other_contents_is_never_made_private(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(Broken, match="no home of a stack") as caught:
        require_home(tmp_path)
    assert caught.value.code == "stack.not_a_home"
    (tmp_path / "setup.lock").touch()
    require_home(tmp_path)
    require_home(tmp_path / "new")


def test_a_home_that_kafka_would_take_for_two_folders_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "north,south").mkdir()
    monkeypatch.chdir(tmp_path / "north,south")
    for home in (tmp_path / "a,b", Path("new")):
        with pytest.raises(Broken, match="no comma in its path") as caught:
            require_home(home)
        assert caught.value.code == "stack.home_with_comma"


@pytest.mark.parametrize(
    ("owner", "possible", "first_word"),
    [
        (None, {"unshare", "setpriv"}, "unshare"),
        (None, {"setpriv"}, "setpriv"),
        (ROOT, {"unshare", "setpriv"}, "unshare"),
        (NOBODY, {"unshare", "setpriv"}, "setpriv"),
    ],
)
def test_root_runs_postgresql_in_the_way_that_works_and_made_its_folder(
    owner: int | None, possible: set[str], first_word: str
) -> None:
    assert disguise(owner, lambda prefix: prefix[0] in possible)[0] == first_word


@pytest.mark.parametrize(("owner", "possible"), [(None, set[str]()), (NOBODY, {"unshare"}), (ROOT, {"setpriv"})])
def test_root_without_a_way_is_told_to_be_another_user(owner: int | None, possible: set[str]) -> None:
    def works(prefix: Sequence[str]) -> bool:
        return prefix[0] in possible

    with pytest.raises(Broken, match="as another user") as caught:
        disguise(owner, works)
    assert caught.value.code == "stack.root"


@pytest.mark.parametrize(("left", "renewed"), [(RENEWED_BEFORE, True), (RENEWED_BEFORE + timedelta(days=1), False)])
def test_what_the_doctor_warns_of_is_what_up_renews(tmp_path: Path, left: timedelta, *, renewed: bool) -> None:
    authority = Authority(tmp_path)
    pair = authority.pair("plat-a", NOW)
    authority.issue("plat-a", pair, NOW, NOW + left)
    warned = any(found.next_command for found in findings.of_certificates({"plat-a": expiry(pair.certificate)}, NOW))
    before = expiry(pair.certificate)
    after = expiry(authority.pair("plat-a", NOW).certificate)
    assert (warned, after > before) == (renewed, renewed)


@pytest.mark.parametrize(
    ("name", "words"), [("broker", "tocsin down"), ("ca", "certificates"), ("plat-a", "tocsin up")]
)
def test_each_certificate_that_ends_names_what_renews_it(name: str, words: str) -> None:
    (found,) = findings.of_certificates({name: NOW + timedelta(days=3)}, NOW)
    assert words in found.next_command
