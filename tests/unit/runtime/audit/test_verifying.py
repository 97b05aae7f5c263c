"""What a verifier believes: signatures of trusted keys, and nothing else."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from schemas.failures import Unreadable
from tests.builders.audit import KEY, a_note, an_export, some_leaves
from tocsin.runtime.audit.checkpoints import ORIGIN, Checkpoint, opened
from tocsin.runtime.audit.exporting import Export, read, written
from tocsin.runtime.audit.verifying import Wrong, lines, verify
from tocsin.runtime.keys.notes import sign_note

LEAVES = some_leaves(5)
STRANGER = Ed25519PrivateKey.generate()


def test_a_checkpoint_that_a_stranger_signed_is_not_believed() -> None:
    log = an_export(LEAVES, [5])
    forged = Export(leaves=log.leaves, hashes=log.hashes, notes=(a_note(LEAVES, STRANGER),))
    fault = verify(forged, [KEY]).fault
    assert fault is not None
    assert fault.wrong is Wrong.UNSIGNED


def test_a_checkpoint_whose_root_was_exchanged_is_not_believed() -> None:
    log = an_export(LEAVES, [5])
    other = a_note(some_leaves(4)).splitlines()[2]
    altered = log.notes[0].replace(log.notes[0].splitlines()[2], other)
    fault = verify(Export(leaves=log.leaves, hashes=log.hashes, notes=(altered,)), [KEY]).fault
    assert fault is not None
    assert fault.wrong is Wrong.UNSIGNED


def test_leaves_that_no_checkpoint_covers_are_named() -> None:
    fault = verify(an_export(LEAVES, [3]), [KEY]).fault
    assert fault is not None
    assert (fault.wrong, fault.first, fault.last) == (Wrong.UNSIGNED, 3, 4)


def test_a_checkpoint_reads_back_as_it_was_signed() -> None:
    found = opened(a_note(LEAVES), [KEY])
    assert (found.size, Checkpoint.parse(found.text())) == (5, found)


@pytest.mark.parametrize("text", ["other\n5\nAAAA\nat 2026-01-01T00:00:00.000+00:00\n", f"{ORIGIN}\n5\n", "\n\n\n\n"])
def test_another_note_of_the_same_key_is_no_checkpoint(text: str) -> None:
    with pytest.raises(Unreadable):
        opened(sign_note(text, ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(range(32)))), [KEY])


def test_the_verdict_says_what_was_found_in_words() -> None:
    log = an_export(LEAVES, [5])
    assert next(lines(verify(log, [KEY]))).startswith(
        "The log holds: 5 leaves, 1 checkpoints, the latest of 2023-11-14"
    )
    cut = Export(leaves=log.leaves[:-1], hashes=log.hashes, notes=log.notes)
    assert next(lines(verify(cut, [KEY]))).startswith("The log does not hold: leaf 4 missing.")


@pytest.mark.parametrize(
    ("at", "line"), [(1, b"{}\n"), (2, b'{"is":"leaf"}\n'), (0, b'{"is":"export","format":"tocsin-audit-export/2"}\n')]
)
def test_a_line_that_does_not_belong_in_an_export_is_named_by_its_number(at: int, line: bytes) -> None:
    found = list(written(an_export(LEAVES, [5])))
    with pytest.raises(Unreadable, match=f"line {at + 1}"):
        read(iter([*found[:at], line, *found[at + 1 :]]))
