"""The directory of public keys: who may use which key when, and how that changes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Broken, Refused, Unreadable
from schemas.records.identifiers import KeyId, MemberId
from tocsin.runtime.keys import changing
from tocsin.runtime.keys.changing import DAY_MS
from tocsin.runtime.keys.directory import Directory, RevocationReason, Standing
from tocsin.runtime.keys.files import KeyFolder, Use, new_key
from tocsin.runtime.keys.publishing import DirectoryFile, Keeper
from tocsin.runtime.keys.requests import Request, proven

MEMBER = MemberId("plat-a")
NOW_MS = 1_764_000_000_000


def public_key(seed: int = 1) -> bytes:
    return bytes([seed]) * 32


def one_key(use: Use = Use.SIGN) -> Directory:
    return changing.admitted(Directory(), MEMBER, use, public_key(), NOW_MS)


def test_an_admitted_key_is_live_for_its_owner_and_its_use_alone() -> None:
    directory = one_key()
    (key,) = directory.keys
    assert directory.standing(key.key_id, MEMBER, Use.SIGN, NOW_MS) is Standing.LIVE
    assert directory.standing(key.key_id, MemberId("ngo-b"), Use.SIGN, NOW_MS) is Standing.UNKNOWN
    assert directory.standing(key.key_id, MEMBER, Use.SEAL, NOW_MS) is Standing.UNKNOWN


def test_a_key_is_worth_nothing_before_its_time_and_expired_after_it() -> None:
    (key,) = one_key().keys
    assert key.standing(NOW_MS - 1) is Standing.NOT_YET
    assert key.standing(key.valid_until_ms) is Standing.EXPIRED


def test_a_third_live_key_is_refused_and_a_known_one_too() -> None:
    directory = changing.admitted(one_key(), MEMBER, Use.SIGN, public_key(2), NOW_MS)
    with pytest.raises(Refused, match="at most 2 live keys"):
        changing.admitted(directory, MEMBER, Use.SIGN, public_key(3), NOW_MS)
    with pytest.raises(Refused, match="already"):
        changing.admitted(one_key(), MEMBER, Use.SIGN, public_key(), NOW_MS)


def test_what_is_replaced_stays_good_for_a_while() -> None:
    directory = changing.replaced(one_key(), MEMBER, Use.SIGN, public_key(2), NOW_MS)
    assert len(directory.live(MEMBER, Use.SIGN, NOW_MS)) == 2
    later = NOW_MS + changing.OVERLAP_DAYS * DAY_MS
    assert [key.public for key in directory.live(MEMBER, Use.SIGN, later)] == [public_key(2)]


@pytest.mark.parametrize(
    ("reason", "before"),
    [
        (RevocationReason.COMPROMISED, Standing.REVOKED),
        (RevocationReason.LOST, Standing.LIVE),
        (RevocationReason.LEFT, Standing.LIVE),
        (RevocationReason.SUPERSEDED, Standing.LIVE),
    ],
)
def test_what_a_revoked_key_signed_before_counts_unless_it_was_compromised(
    reason: RevocationReason, before: Standing
) -> None:
    (key,) = one_key().keys
    (ended,) = changing.revoked(one_key(), key.key_id, reason, NOW_MS + 10).keys
    assert ended.standing(NOW_MS + 9) is before
    assert ended.standing(NOW_MS + 10) is Standing.REVOKED


def test_an_unknown_key_and_a_revoked_one_cannot_be_revoked() -> None:
    (key,) = one_key().keys
    ended = changing.revoked(one_key(), key.key_id, RevocationReason.LOST, NOW_MS)
    for directory, key_id in ((ended, key.key_id), (ended, KeyId("f" * 16))):
        with pytest.raises(Refused):
            changing.revoked(directory, key_id, RevocationReason.LOST, NOW_MS)


@given(st.lists(st.tuples(st.sampled_from(("plat-a", "ngo-b")), st.sampled_from(Use)), max_size=4), st.data())
def test_what_is_written_reads_back(owners: list[tuple[str, Use]], data: st.DataObject) -> None:
    directory = Directory()
    for seed, (owner, use) in enumerate(owners):
        if len(directory.live(MemberId(owner), use, NOW_MS)) < 2:
            directory = changing.admitted(directory, MemberId(owner), use, public_key(seed), NOW_MS)
    for key in directory.keys:
        if data.draw(st.booleans()):
            directory = changing.revoked(directory, key.key_id, data.draw(st.sampled_from(RevocationReason)), NOW_MS)
    read = Directory.parse(directory.text())
    assert (read.number, set(read.keys)) == (directory.number, set(directory.keys))
    assert read.text() == directory.text()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("v1", "v2"),
        lambda text: text.replace(" sign ", " seal "),
        lambda text: text + "plat-a sign\n",
        lambda text: text + text.splitlines()[-1] + "\n",
        lambda text: text.replace(" - -", " - often"),
        lambda text: "",
    ],
)
def test_a_damaged_directory_is_refused(change: Callable[[str], str]) -> None:
    with pytest.raises(Unreadable):
        Directory.parse(change(one_key().text()))


def kept(folder: Path) -> Keeper:
    keeper = Keeper(folder)
    keeper.create()
    return keeper


def test_readers_see_a_change_without_a_restart(tmp_path: Path) -> None:
    keeper = kept(tmp_path)
    reader = DirectoryFile(keeper.file, keeper.key)
    assert reader.current().keys == ()
    keeper.change(lambda directory: changing.admitted(directory, MEMBER, Use.SIGN, public_key(), NOW_MS))
    assert [key.principal for key in reader.current().keys] == [MEMBER]


def test_a_changed_a_foreign_a_missing_and_an_older_directory_are_refused(tmp_path: Path) -> None:
    keeper = kept(tmp_path / "own")
    reader = DirectoryFile(keeper.file, keeper.key)
    before = keeper.file.read_text()
    keeper.change(lambda directory: changing.admitted(directory, MEMBER, Use.SIGN, public_key(), NOW_MS))
    good = keeper.file.read_text()
    assert reader.current().number == 1
    foreign = kept(tmp_path / "other").file.read_text()
    for text, code in (
        (good.replace("plat-a", "ngo-bb"), "keys.directory_unproven"),
        (foreign, "keys.directory_unproven"),
        (before, "keys.directory_older"),
    ):
        keeper.file.write_text(text)
        with pytest.raises(Broken) as refused:
            reader.current()
        assert refused.value.code == code
    keeper.file.unlink()
    with pytest.raises(Broken, match="missing"):
        reader.current()


def test_a_change_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    keeper = kept(tmp_path)
    stamp = keeper.file.stat().st_mtime_ns
    keeper.change(lambda directory: directory)
    assert keeper.file.stat().st_mtime_ns == stamp


def test_the_first_key_signs_for_itself_and_every_later_one_is_signed_for(tmp_path: Path) -> None:
    folder, first, second = KeyFolder(tmp_path / "m"), new_key(Use.SIGN), new_key(Use.SIGN)
    signing, later = (folder.signing(folder.add(Use.SIGN, key)) for key in (first, second))
    wish = Request(principal=MEMBER, use=Use.SIGN, public=first.public_key().public_bytes_raw())
    assert proven(wish.signed(signing), Directory(), NOW_MS) == wish
    directory = changing.admitted(Directory(), MEMBER, Use.SIGN, wish.public, NOW_MS)
    next_wish = Request(principal=MEMBER, use=Use.SIGN, public=second.public_key().public_bytes_raw())
    assert proven(next_wish.signed(signing), directory, NOW_MS) == next_wish
    with pytest.raises(Refused, match="has to sign"):
        proven(next_wish.signed(later), directory, NOW_MS)
