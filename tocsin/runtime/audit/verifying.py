"""Whether an export is the log that was signed; where it is not, the first thing that is wrong, by its number; pure."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.failures import Unreadable
from tocsin.runtime.audit.checkpoints import Checkpoint, opened
from tocsin.runtime.audit.exporting import Export
from tocsin.runtime.audit.statements import commitment
from tocsin.runtime.audit.tree import full_root, joined, leaf_hash
from tocsin.runtime.keys.notes import NoteKey


class Wrong(StrEnum):
    """What can be wrong with a log."""

    ALTERED = "altered"
    """A leaf is not what was hashed."""
    MISSING = "missing"
    INSERTED = "inserted"
    REORDERED = "reordered"
    REWRITTEN = "rewritten"
    """The hashes themselves are not those that were signed: leaves were changed together with them."""
    RESTORED = "logged anew after a restore"
    """The same, and a signed checkpoint says that it was so."""
    SHORTENED = "shortened"
    """A checkpoint covers more than there is."""
    UNSIGNED = "unsigned"
    """A checkpoint that nobody trusted signed, or leaves that none covers."""


class Part(StrEnum):
    """Of what the log is made."""

    LEAF = "leaf"
    STATEMENT = "statement"


class Fault(Struct, frozen=True, kw_only=True):
    """The first thing that is wrong; leaves are counted from 0, and a statement has the number of its leaf."""

    part: Part = Part.LEAF
    wrong: Wrong
    first: int
    last: int
    why: str


class Verified(Struct, frozen=True, kw_only=True):
    """What was verified."""

    leaves: int
    checkpoints: int
    kept: int
    statements: int | None = None
    """None where the export has none to hold against its leaves."""
    latest: Checkpoint | None = None
    fault: Fault | None = None


def verify(export: Export, keys: Sequence[NoteKey], kept: Sequence[str] = ()) -> Verified:
    """Hold an export against its own checkpoints, and against those that somebody kept."""
    checked = Verified(
        leaves=len(export.leaves),
        checkpoints=len(export.notes),
        kept=len(kept),
        statements=None if export.openings is None else len(export.openings),
    )
    try:
        own = [opened(note, keys) for note in export.notes]
        others = [opened(note, keys) for note in kept]
    except Unreadable as failure:
        unsigned = Fault(wrong=Wrong.UNSIGNED, first=0, last=0, why=f"a checkpoint is not to be believed: {failure}")
        return replace(checked, fault=unsigned)
    return replace(checked, latest=own[-1] if own else None, fault=_fault(export, own, others))


def _fault(export: Export, own: Sequence[Checkpoint], kept: Sequence[Checkpoint]) -> Fault | None:
    faults = (
        _misplaced([leaf_hash(leaf) for leaf in export.leaves], export.hashes, Part.LEAF),
        _said_of(
            _rewritten(
                export.hashes, [*((each, "in the export") for each in own), *((each, "you kept") for each in kept)]
            ),
            own,
            kept,
        ),
        _uncovered(export, own),
        _unopened(export),
    )
    return next(filter(None, faults), None)


def _unopened(export: Export) -> Fault | None:
    """The first statement that is not the one to which its leaf commits."""
    if export.openings is None:
        return None
    found = [commitment(each.statement, each.nonce).hex().encode() for each in export.openings]
    return _misplaced(found, [leaf.rpartition(b" ")[2] for leaf in export.leaves], Part.STATEMENT)


def _misplaced(found: Sequence[bytes], expected: Sequence[bytes], part: Part) -> Fault | None:
    """The first that is not where the tree, or the leaves, have it."""
    pairs = enumerate(zip(found, expected, strict=False))
    at = next((number for number, (one, other) in pairs if one != other), min(len(found), len(expected)))
    if at == len(found) == len(expected):
        return None
    wrong = _kind(found, expected, at)
    end = len(expected) - 1 if at == len(found) else at
    return Fault(part=part, wrong=wrong, first=at, last=end, why=_WHY[part, wrong])


def _kind(found: Sequence[bytes], expected: Sequence[bytes], at: int) -> Wrong:
    if at == len(found):
        return Wrong.MISSING
    if at == len(expected):
        return Wrong.INSERTED
    if found[at] not in frozenset(expected[at:]):
        goes_on = list(found[at + 1 : at + 2]) == list(expected[at : at + 1])
        return Wrong.INSERTED if goes_on else Wrong.ALTERED
    return Wrong.REORDERED if expected[at] in frozenset(found[at:]) else Wrong.MISSING


def _rewritten(hashes: Sequence[bytes], checkpoints: Iterable[tuple[Checkpoint, str]]) -> Fault | None:
    """The leaves after the last checkpoint that still holds, up to the first that does not."""
    roots, good = _Roots(hashes), 0
    for each, whose in sorted(checkpoints, key=lambda pair: pair[0].size):
        if each.size > len(hashes):
            why = f"the checkpoint {whose} of {each.size} leaves covers more than there is"
            return Fault(wrong=Wrong.SHORTENED, first=len(hashes), last=each.size - 1, why=why)
        if roots.at(each.size) != each.root:
            why = f"the checkpoint {whose} of {each.size} leaves is of another log"
            return Fault(wrong=Wrong.REWRITTEN, first=good, last=each.size - 1, why=why)
        good = each.size
    return None


def _said_of(fault: Fault | None, own: Sequence[Checkpoint], kept: Sequence[Checkpoint]) -> Fault | None:
    """What the log says itself of a checkpoint that somebody kept and that it contradicts."""
    epoch = own[-1].epoch if own else None
    lost = [each.size for each in kept if own and own[-1].gives_up(each)]
    if fault is None or epoch is None or not lost or fault.last != min(lost) - 1:
        return fault
    says = f"the log says, signed, that it was restored from a backup of {epoch.from_size} leaves"
    return replace(fault, wrong=Wrong.RESTORED, why=f"{fault.why}, and {says} (epoch {epoch.number})")


def _uncovered(export: Export, own: Sequence[Checkpoint]) -> Fault | None:
    """Whoever adds leaves at the end cannot sign them."""
    covered = max((each.size for each in own), default=0)
    if len(export.hashes) <= covered:
        return None
    why = "no checkpoint in the export covers them"
    return Fault(wrong=Wrong.UNSIGNED, first=covered, last=len(export.hashes) - 1, why=why)


class _Roots:
    """The root at ever larger sizes, each hash looked at once."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self._hashes = hashes
        self._size = 0
        self._peaks: list[tuple[int, bytes]] = []
        """Height and hash of the full subtrees, the largest first."""

    def at(self, size: int) -> bytes:
        """The root over the first leaves; sizes never go back."""
        for hashed in self._hashes[self._size : size]:
            self._add(hashed)
        self._size = size
        return joined(hashed for _, hashed in self._peaks)

    def _add(self, hashed: bytes) -> None:
        height = 0
        while self._peaks and self._peaks[-1][0] == height:
            hashed = full_root((self._peaks.pop()[1], hashed))
            height += 1
        self._peaks.append((height, hashed))


def lines(verified: Verified) -> Iterator[str]:
    """In plain language."""
    if verified.fault is None:
        latest = verified.latest
        until = f", the latest of {latest.text().splitlines()[3].removeprefix('at ')}" if latest else ""
        kept = f" and {verified.kept} that you kept" if verified.kept else ""
        says = "" if verified.statements is None else ", each with the statement that it commits to"
        yield f"The log holds: {verified.leaves} leaves{says}, {verified.checkpoints} checkpoints{until}{kept}."
        return
    fault = verified.fault
    where = f"{fault.part} {fault.first}"
    if fault.first != fault.last:
        where = f"{_PLURAL[fault.part]} {fault.first} to {fault.last}"
    yield f"The log does not hold: {where} {fault.wrong}. {fault.why[:1].upper()}{fault.why[1:]}."


_PLURAL: Final = {Part.LEAF: "leaves", Part.STATEMENT: "statements"}
_WHY: Final = {
    (Part.LEAF, Wrong.ALTERED): "its text is not the one that was hashed when it came in",
    (Part.LEAF, Wrong.MISSING): "the tree has its hash, and the leaf is not there",
    (Part.LEAF, Wrong.INSERTED): "it is not in the tree at this place",
    (Part.LEAF, Wrong.REORDERED): "another leaf stands where it belongs",
    (Part.STATEMENT, Wrong.ALTERED): "the leaf of that number commits to another one",
    (Part.STATEMENT, Wrong.MISSING): "the leaf of that number commits to one that is not there",
    (Part.STATEMENT, Wrong.INSERTED): "no leaf at this place commits to it",
    (Part.STATEMENT, Wrong.REORDERED): "it belongs to another leaf",
}
