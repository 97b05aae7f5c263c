"""A checkpoint that is handed over shows one of eight things to whoever kept an earlier one."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from consumers.witness import Kept
from schemas.failures import Unreadable
from tests.builders.audit import KEY, a_handed, a_note, some_leaves
from tocsin.runtime.audit.checkpoints import Checkpoint, opened
from tocsin.runtime.audit.epochs import Epoch
from tocsin.runtime.audit.handed import MOST_HASHES, Handed, Shown, shown

LEAVES = some_leaves(40)
sizes = st.integers(1, len(LEAVES))


def seen(kept: str, handed: Handed) -> Shown:
    return shown(opened(kept, [KEY]), opened(handed.note, [KEY]), handed.old, handed.proof)


@given(sizes, sizes)
def test_a_log_that_only_grew_is_shown_to_have_grown(old: int, size: int) -> None:
    assume(old < size)
    assert seen(a_note(LEAVES[:old]), a_handed(LEAVES[:size], old)) is Shown.GROWN


@given(sizes, sizes, st.data())
def test_a_log_that_was_rewritten_before_the_kept_checkpoint_is_named(old: int, size: int, data: st.DataObject) -> None:
    assume(old <= size)
    place = data.draw(st.integers(0, old - 1))
    rewritten = [*LEAVES[:place], b"other", *LEAVES[place + 1 :]]
    assert seen(a_note(LEAVES[:old]), a_handed(rewritten[:size], old if old < size else 0)) is Shown.REWRITTEN


def test_a_log_that_was_cut_off_and_signed_later_is_named_and_an_older_checkpoint_shows_nothing() -> None:
    kept = a_note(LEAVES[:9], at_ms=2_000)
    assert seen(kept, a_handed(LEAVES[:4], 0, at_ms=3_000)) is Shown.REWRITTEN
    assert seen(kept, a_handed(LEAVES[:4], 0, at_ms=1_000)) is Shown.EARLIER


@given(sizes, sizes, sizes, st.integers(2, 9))
def test_a_log_that_says_it_was_restored_contradicts_only_what_the_backup_did_not_have(
    old: int, size: int, stays: int, number: int
) -> None:
    """Leaves after `stays` are other ones; what a member kept of no more than these still has to fit."""
    anew = [*LEAVES[:stays], *(leaf + b" again" for leaf in LEAVES[stays:])][:size]
    assume(stays <= size)
    said = a_handed(anew, old if old < size else 0, at_ms=2_000, epoch=Epoch(number=number, from_size=stays))
    kept, lost = a_note(LEAVES[:old], at_ms=1_000), old > stays
    assert (seen(kept, said) is Shown.RESTORED) == lost
    unsaid = a_handed(anew, old if old < size else 0, at_ms=2_000)
    assert (seen(kept, unsaid) is Shown.REWRITTEN) == lost


def test_an_epoch_excuses_once_and_nothing_from_before_what_the_backup_had() -> None:
    epoch = Epoch(number=2, from_size=6)
    kept = a_note(LEAVES[:9], at_ms=1_000, epoch=epoch)
    other = [b"other", *LEAVES[1:]]
    assert seen(kept, a_handed(other[:9], 0, at_ms=2_000, epoch=epoch)) is Shown.REWRITTEN
    assert seen(kept, a_handed(other[:9], 0, at_ms=2_000, epoch=Epoch(number=3, from_size=6))) is Shown.RESTORED
    assert seen(kept, a_handed(other[:9], 0, at_ms=2_000, epoch=Epoch(number=3, from_size=9))) is Shown.REWRITTEN


def test_what_was_kept_before_a_restore_stays_beside_what_is_kept_from_then_on(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept", [KEY])
    kept.take(a_handed(LEAVES[:9], 0, at_ms=1_000).text())
    anew = a_handed([*LEAVES[:6], b"other"], 0, at_ms=2_000, epoch=Epoch(number=2, from_size=6))
    assert kept.take(anew.text()).what is Shown.RESTORED
    assert (tmp_path / "kept" / "before-9.note").exists()
    goes_on = a_handed([*LEAVES[:6], b"other", b"more"], 7, at_ms=3_000, epoch=Epoch(number=2, from_size=6))
    assert kept.take(goes_on.text()).what is Shown.GROWN


@pytest.mark.parametrize("line", ["epoch 2", "epoch 0 from 3", "epoch 2 from -1", "epoch 2 from 03", "epoch x from 3"])
def test_a_checkpoint_whose_fifth_line_is_no_epoch_is_refused(line: str) -> None:
    text = opened(a_note(LEAVES), [KEY]).text()
    assert Checkpoint.parse(f"{text}epoch 2 from 3\n").epoch == Epoch(number=2, from_size=3)
    for wrong in (f"{text}{line}\n", f"{text}epoch 2 from 3\n{line}\n"):
        with pytest.raises(Unreadable):
            Checkpoint.parse(wrong)


def test_one_that_continues_another_checkpoint_cannot_be_held_against_the_kept_one() -> None:
    assert seen(a_note(LEAVES[:9]), a_handed(LEAVES[:20], 12)) is Shown.APART
    assert seen(a_note(LEAVES[:9]), a_handed(LEAVES[:9], 4)) is Shown.SAME


@given(sizes, sizes)
def test_it_reads_back_as_it_was_handed_over(old: int, size: int) -> None:
    assume(old < size)
    handed = a_handed(LEAVES[:size], old)
    assert Handed.parse(handed.text()) == handed


GOOD = a_handed(LEAVES, 7)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "old 3",
        GOOD.text().replace("old 7", "new 7"),
        GOOD.text().replace("old 7", "old -7"),
        GOOD.text().replace("old 7", "old seven"),
        replace(GOOD, proof=(b"short",)).text(),
        replace(GOOD, proof=(bytes(32),) * (MOST_HASHES + 1)).text(),
        GOOD.text().replace("old 7\n", "old 7\nno base64\n"),
    ],
)
def test_anything_else_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        Handed.parse(text)


def test_a_member_keeps_the_newest_and_whatever_contradicts_it(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept", [KEY])
    rewritten = [b"other", *LEAVES[1:]]
    came = [a_handed(LEAVES[:5], 0), a_handed(LEAVES[:9], 5), a_handed(LEAVES[:9], 5), a_handed(rewritten[:12], 9)]
    assert [kept.take(each.text()).what for each in came] == [Shown.FIRST, Shown.GROWN, Shown.SAME, Shown.REWRITTEN]
    assert kept.newest.read_text() == came[1].note
    assert (tmp_path / "kept" / "rewritten-9-12.note").read_text() == came[3].note
    assert kept.take(a_handed(LEAVES[:30], 20).text()).what is Shown.APART
    assert (tmp_path / "kept" / "before-9.note").read_text() == came[1].note
    assert {file.stat().st_mode & 0o777 for file in (tmp_path / "kept").iterdir()} == {0o600}


def test_what_a_stranger_signed_is_not_kept(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept", [KEY])
    kept.take(a_handed(LEAVES[:5], 0).text())
    with pytest.raises(Unreadable):
        kept.take(replace(a_handed(LEAVES[:9], 5), note=a_note(LEAVES[:9], Ed25519PrivateKey.generate())).text())
    assert kept.newest.read_text() == a_note(LEAVES[:5])
