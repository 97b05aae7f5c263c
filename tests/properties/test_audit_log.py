"""Flip, drop, insert or reorder, naively or with everything hashed again: the verifier names what and where."""

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.builders.audit import KEY, a_note, an_export, some_leaves
from tocsin.runtime.audit.exporting import Export, read, written
from tocsin.runtime.audit.tree import leaf_hash
from tocsin.runtime.audit.verifying import Wrong, verify

SIZES = (3, 8, 21, 40)
LEAVES = some_leaves(SIZES[-1])
LOG = an_export(LEAVES, SIZES)
places = st.integers(0, len(LEAVES) - 1)


def of(leaves: list[bytes]) -> Export:
    """The log with other leaves, by somebody who forgot the hashes."""
    return Export(leaves=tuple(leaves), hashes=LOG.hashes, notes=LOG.notes)


def hashed_again(leaves: list[bytes]) -> Export:
    """The same by somebody who did not; checkpoints cannot be signed again."""
    return Export(leaves=tuple(leaves), hashes=tuple(map(leaf_hash, leaves)), notes=LOG.notes)


def around(place: int) -> tuple[int, int]:
    """The leaves between the two checkpoints that a place lies between."""
    before = max((size for size in SIZES if size <= place), default=0)
    return before, next(size for size in SIZES if size > place) - 1


def named(export: Export) -> tuple[Wrong, int] | None:
    fault = verify(export, [KEY]).fault
    return (fault.wrong, fault.first) if fault else None


def test_a_log_that_nobody_touched_holds_and_reads_back_as_it_was_written() -> None:
    assert named(LOG) is None
    assert read(iter(written(LOG))) == LOG


@given(places, st.data())
def test_a_flipped_bit_is_named(place: int, data: st.DataObject) -> None:
    leaf = bytearray(LEAVES[place])
    leaf[data.draw(st.integers(0, len(leaf) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    changed = [*LEAVES[:place], bytes(leaf), *LEAVES[place + 1 :]]
    assert named(of(changed)) == (Wrong.ALTERED, place)
    fault = verify(hashed_again(changed), [KEY]).fault
    assert fault is not None
    assert (fault.wrong, (fault.first, fault.last)) == (Wrong.REWRITTEN, around(place))


@given(places)
def test_a_dropped_leaf_is_named(place: int) -> None:
    changed = [*LEAVES[:place], *LEAVES[place + 1 :]]
    assert named(of(changed)) == (Wrong.MISSING, place)
    fault = verify(hashed_again(changed), [KEY]).fault
    assert fault is not None
    assert fault.wrong in {Wrong.REWRITTEN, Wrong.SHORTENED}
    assert fault.first == around(place)[0] or fault.last == len(LEAVES) - 1


@given(st.integers(0, len(LEAVES)), st.binary(min_size=1).filter(lambda leaf: leaf not in LEAVES))
def test_an_inserted_leaf_is_named(place: int, leaf: bytes) -> None:
    changed = [*LEAVES[:place], leaf, *LEAVES[place:]]
    assert named(of(changed)) == (Wrong.INSERTED, place)
    found = named(hashed_again(changed))
    expected = (Wrong.UNSIGNED, place) if place == len(LEAVES) else (Wrong.REWRITTEN, around(place)[0])
    assert found == expected


@given(places, st.integers(0, len(LEAVES)))
def test_a_leaf_that_is_there_twice_is_named(place: int, copy: int) -> None:
    changed = [*LEAVES[:copy], LEAVES[place], *LEAVES[copy:]]
    found = named(of(changed))
    assert found is not None
    first = next((n for n, leaf in enumerate(LEAVES) if changed[n] != leaf), len(LEAVES))
    assert found[1] == first


@given(places, places)
def test_two_leaves_that_changed_places_are_named(one: int, other: int) -> None:
    assume(one != other)
    changed = list(LEAVES)
    changed[one], changed[other] = changed[other], changed[one]
    assert named(of(changed)) == (Wrong.REORDERED, min(one, other))
    assert named(hashed_again(changed)) == (Wrong.REWRITTEN, around(min(one, other))[0])


@given(st.integers(1, len(LEAVES) - 1), places)
def test_a_log_that_was_rewritten_and_signed_anew_contradicts_the_checkpoint_that_a_member_kept(
    size: int, place: int
) -> None:
    changed = [*LEAVES[:place], b"other", *LEAVES[place + 1 :]]
    rewritten = an_export(changed, SIZES)
    assert verify(rewritten, [KEY]).fault is None
    fault = verify(rewritten, [KEY], [a_note(LEAVES[:size])]).fault
    assert (fault is not None) == (place < size)


@given(st.integers(0, len(LEAVES) - 1))
def test_a_log_that_was_cut_off_contradicts_the_checkpoint_that_a_member_kept(size: int) -> None:
    cut = an_export(LEAVES[:size], [each for each in SIZES if each < size] + ([size] if size else []))
    fault = verify(cut, [KEY], [a_note(LEAVES)]).fault
    assert fault is not None
    assert (fault.wrong, fault.first) == (Wrong.SHORTENED, size)
