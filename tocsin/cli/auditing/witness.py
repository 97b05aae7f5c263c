"""What a member does with the checkpoints that it was handed, and what it is told of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from consumers.witness import DAY_MS, Kept, Step, handed_since
from schemas.failures import Broken, Refused, Unreadable
from tocsin.cli.auditing.wording import when
from tocsin.runtime.audit.checkpoints import keys_of
from tocsin.runtime.audit.handed import Shown
from tocsin.runtime.keys.notes import NoteKey
from tocsin.runtime.keys.publishing import directory_of
from tocsin.runtime.settings import Settings


class Witnessed(Struct, frozen=True, kw_only=True):
    """All that came, in words, and the note that is kept now."""

    lines: tuple[str, ...]
    note: str
    holds: bool


def trusted(settings: Settings) -> tuple[NoteKey, ...]:
    """The keys that checkpoints are verified with, from the key directory; raises Broken where none is named."""
    directory = directory_of(settings.trust)
    if directory is None:
        raise Broken("The settings name no keys. Write them anew: tocsin up", code="keys.no_settings")
    return keys_of(directory())


def witness(settings: Settings, folder: Path) -> Witnessed:
    """Read what is new, hold each against the one before, keep it; raises Refused where none has come yet."""
    kept = Kept(folder, trusted(settings))
    before = kept.checkpoint()
    texts = handed_since(settings, before.at_ms - DAY_MS if before else None)
    told = [each for text in texts for each in _taken(kept, text)]
    if not kept.newest.exists():
        raise Refused(
            "No checkpoint has come to this member yet. They are handed out every hour: try again later.",
            code="audit.none_handed",
        )
    return Witnessed(
        lines=tuple(line for line, _ in told) or ("Nothing new since the one that you keep.",),
        note=kept.newest.read_text("utf-8"),
        holds=all(holds for _, holds in told),
    )


def _taken(kept: Kept, text: str) -> Iterator[tuple[str, bool]]:
    try:
        step = kept.take(text)
    except Unreadable as failure:
        yield str(failure), False
        return
    if step.what in _WORDS:
        yield sentence(step, kept.newest.parent), step.what not in _FAULTS


def sentence(step: Step, folder: Path) -> str:
    """What one checkpoint shows, and what to do."""
    before = step.kept or step.found
    return _WORDS[step.what].format(
        size=step.found.size,
        at=when(step.found.at_ms),
        old=before.size,
        old_at=when(before.at_ms),
        folder=folder,
        stays=step.found.epoch.from_size if step.found.epoch else 0,
    )


_FAULTS: Final = frozenset({Shown.APART, Shown.RESTORED, Shown.REWRITTEN})
_WORDS: Final = {
    Shown.FIRST: "Kept: {size} leaves, signed {at}. It is your first: compare it with what another member has.",
    Shown.GROWN: "Kept: {size} leaves, signed {at}. The log begins as the one of {old} leaves that you had, and grew.",
    Shown.APART: (
        "The checkpoint of {size} leaves, signed {at}, does not continue yours of {old}: some are not on your topic "
        "any more. Both are kept in {folder}. Ask the operator for an export, and: "
        "tocsin audit verify --export FILE --checkpoint {folder}/before-{old}.note"
    ),
    Shown.RESTORED: (
        "The exchange says, signed {at}, that it was restored from a backup of {stays} leaves: what it logged after "
        "them is logged anew. Your checkpoint of {old} leaves, signed {old_at}, is of before. Both are kept in "
        "{folder}. Compare it with what the operator told you of the restore: the time, and who decided it."
    ),
    Shown.REWRITTEN: (
        "THE LOG WAS REWRITTEN: the checkpoint of {size} leaves, signed {at}, contradicts yours of {old} leaves, "
        "signed {old_at}. Both are kept in {folder}, and prove it to anybody. Tell the other members and the operator."
    ),
}
"""What is kept already, or was signed before it, is not told again."""
