"""Signed notes: what was signed opens, what was changed does not, and strangers' signatures count for nothing."""

from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from schemas.failures import Unreadable
from tocsin.runtime.keys.notes import NoteKey, open_note, sign_note

PRIVATE = Ed25519PrivateKey.from_private_bytes(sha256(b"a test's key").digest())
KEY = NoteKey(name="keeper.example.test", public=PRIVATE.public_key().public_bytes_raw())
lines = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
texts = st.lists(lines, min_size=1, max_size=5).map(lambda found: "\n".join(found) + "\n")


@given(text=texts)
def test_what_was_signed_opens(text: str) -> None:
    note = open_note(sign_note(text, KEY.name, PRIVATE), [KEY])
    assert (note.text, note.signers) == (text, (KEY.name,))


@given(text=texts, data=st.data())
def test_a_changed_letter_is_found(text: str, data: st.DataObject) -> None:
    note = sign_note(text, KEY.name, PRIVATE)
    place = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(exclude_categories=("Cs", "Cc")).filter(lambda found: found != note[place]))
    with pytest.raises(Unreadable):
        open_note(note[:place] + letter + note[place + 1 :], [KEY])


def test_the_note_of_a_stranger_proves_nothing() -> None:
    other = Ed25519PrivateKey.generate()
    with pytest.raises(Unreadable, match="not") as refused:
        open_note(sign_note("who am I\n", KEY.name, other), [KEY])
    assert refused.value.code == "note.unproven"


def test_a_second_signature_stands_beside_the_first() -> None:
    witness = Ed25519PrivateKey.generate()
    first = sign_note("seen\n", KEY.name, PRIVATE)
    both = sign_note("seen\n", "witness", witness, earlier=first)
    keys = [KEY, NoteKey(name="witness", public=witness.public_key().public_bytes_raw())]
    assert open_note(both, keys).signers == (KEY.name, "witness")


@pytest.mark.parametrize("note", ["", "text\n", "text\n\n", "te\txt\n\n— a AAAA\n", "text\n\n— a !!!!\n"])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(Unreadable):
        open_note(note, [KEY])


def test_a_key_is_passed_on_as_text_and_noticed_when_it_was_copied_wrongly() -> None:
    assert NoteKey.parse(f" {KEY}\n") == KEY
    for wrong in (str(KEY)[:-5] + "AAAA=", str(KEY).replace("keeper", "reaper"), "keeper", ""):
        with pytest.raises(Unreadable):
            NoteKey.parse(wrong)


def test_the_hint_is_the_one_of_the_published_format() -> None:
    whole = sha256(b"keeper.example.test\n\x01" + KEY.public).digest()
    assert KEY.hint == whole[:4]
    assert str(KEY).split("+")[:2] == [KEY.name, whole[:4].hex()]
