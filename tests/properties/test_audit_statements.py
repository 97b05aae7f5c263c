"""Flip, drop, insert or reorder what leaves say, naively or with all made anew: the verifier names it."""

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.builders.audit import KEY, an_export, leaves_of, some_openings
from tocsin.runtime.audit.exporting import Export, Opening, read, written
from tocsin.runtime.audit.tree import leaf_hash
from tocsin.runtime.audit.verifying import Part, Wrong, lines, verify

SIZES = (3, 8, 21, 40)
SAID = some_openings(SIZES[-1])
LOG = replace(an_export(leaves_of(SAID), SIZES), openings=tuple(SAID))
places = st.integers(0, len(SAID) - 1)
others = st.builds(Opening, statement=st.binary(), nonce=st.binary(max_size=20)).filter(lambda one: one not in SAID)


def named(said: list[Opening]) -> tuple[Part, Wrong, int] | None:
    """What is found where somebody changed the statements alone."""
    fault = verify(replace(LOG, openings=tuple(said)), [KEY]).fault
    return (fault.part, fault.wrong, fault.first) if fault else None


def made_anew(said: list[Opening]) -> tuple[Part, Wrong, int] | None:
    """The same by somebody who wrote leaves and hashes again as well; checkpoints cannot be signed again."""
    leaves = leaves_of(said)
    log = Export(leaves=tuple(leaves), hashes=tuple(map(leaf_hash, leaves)), notes=LOG.notes, openings=tuple(said))
    fault = verify(log, [KEY]).fault
    return (fault.part, fault.wrong, fault.first) if fault else None


def test_statements_that_nobody_touched_hold_and_read_back_as_they_were_written() -> None:
    assert named(SAID) is None
    assert read(iter(written(LOG))) == LOG
    assert next(lines(verify(LOG, [KEY]))).startswith("The log holds: 40 leaves, each with the statement that it")


def test_a_log_without_statements_does_not_say_that_it_held_them_against_anything() -> None:
    assert "statement" not in next(lines(verify(replace(LOG, openings=None), [KEY])))


@given(places, st.booleans(), st.data())
def test_a_flipped_bit_of_a_statement_or_its_nonce_is_named(place: int, in_nonce: bool, data: st.DataObject) -> None:
    parts = [SAID[place].statement, SAID[place].nonce]
    part = bytearray(parts[in_nonce])
    part[data.draw(st.integers(0, len(part) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    parts[in_nonce] = bytes(part)
    changed = [*SAID[:place], Opening(statement=parts[0], nonce=parts[1]), *SAID[place + 1 :]]
    assert named(changed) == (Part.STATEMENT, Wrong.ALTERED, place)
    assert made_anew(changed) == (Part.LEAF, Wrong.REWRITTEN, max((one for one in SIZES if one <= place), default=0))


@given(places)
def test_a_dropped_statement_is_named(place: int) -> None:
    changed = [*SAID[:place], *SAID[place + 1 :]]
    assert named(changed) == (Part.STATEMENT, Wrong.MISSING, place)
    assert made_anew(changed) is not None


@given(st.integers(0, len(SAID)), others)
def test_an_inserted_statement_is_named(place: int, other: Opening) -> None:
    changed = [*SAID[:place], other, *SAID[place:]]
    assert named(changed) == (Part.STATEMENT, Wrong.INSERTED, place)
    assert made_anew(changed) is not None


@given(places, places)
def test_two_statements_that_changed_places_are_named(one: int, other: int) -> None:
    assume(one != other)
    changed = list(SAID)
    changed[one], changed[other] = changed[other], changed[one]
    assert named(changed) == (Part.STATEMENT, Wrong.REORDERED, min(one, other))
    assert made_anew(changed) is not None


@given(st.integers(0, len(SAID) - 1))
def test_statements_that_were_cut_off_are_named_with_all_that_is_missing(kept: int) -> None:
    fault = verify(replace(LOG, openings=tuple(SAID[:kept])), [KEY]).fault
    assert fault is not None
    assert (fault.part, fault.wrong, fault.first, fault.last) == (Part.STATEMENT, Wrong.MISSING, kept, len(SAID) - 1)
