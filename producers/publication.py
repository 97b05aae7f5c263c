"""Publishing files, from the first look to the confirmation: what `tocsin publish` and `tocsin correct` do."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from msgspec import Struct

from producers.feeds.entries import Entry, Problem, Rejection
from producers.files import Opened, opened, rejects_path
from producers.intake import Mode, Taken
from producers.rejects import rejects
from producers.service import Publishing
from producers.survey import MOST_ESCALATIONS, Survey, notes, sentences
from schemas.catalogue import message
from schemas.failures import Broken, Refused
from schemas.records.values import Mark
from tocsin.runtime.privacy import require_private, write_private


class Choices(Struct, frozen=True, kw_only=True):
    """What a person chose on the command line."""

    files: tuple[str, ...]
    format_name: str = ""
    mode: Mode = Mode.PUBLISH
    mark: Mark | None = None
    wait_seconds: float = 30.0


class Totals(Struct, kw_only=True):
    """What became of all files together."""

    taken: int = 0
    repeated: int = 0
    """Published before: sending again is harmless."""
    escalated: int = 0
    refused: int = 0
    sent: int = 0
    waiting: int = 0
    rejects: list[str] = []
    unread: list[str] = []
    """Files that were refused whole."""


class Voice(Struct, frozen=True, kw_only=True):
    """How the work speaks to whoever started it."""

    say: Callable[[str], None]
    progress: Callable[[str, int, int], None]
    """Given what is done, how much of it, and of how much (bytes of a file, or records)."""
    confirm: Callable[[int], bool]
    """Asked where a file escalates more than a slip of the hand explains."""


def survey(files: Iterable[str], publishing: Publishing, format_name: str, voice: Voice) -> Survey:
    """Look at every file without publishing any."""
    found = Survey()
    for name in files:
        with _refused_alone(name, voice, found.unread), opened(name, format_name) as file:
            found.count(_counted(file, publishing, voice))
    return found


def publish(choices: Choices, publishing: Publishing, voice: Voice) -> Totals:
    """Take every good report of every file, send what waits; the refused ones lie beside their file.

    A file that cannot be read, or whose many escalations nobody confirmed, is refused alone. Raises Temporary where
    the broker is away; what was taken stays in the journal then.
    """
    totals = Totals()
    for warning in publishing.warnings():
        voice.say(warning)
    for name in choices.files:
        with _refused_alone(name, voice, totals.unread), opened(name, choices.format_name) as file:
            _confirm_escalations(file, publishing, voice)
            _take(file, choices, publishing, voice, totals)
    totals.sent = publishing.send(choices.wait_seconds, _sent(publishing.waiting_count(), voice))
    totals.waiting = publishing.waiting_count()
    return totals


@contextmanager
def _refused_alone(name: str, voice: Voice, unread: list[str]) -> Iterator[None]:
    """A file that is refused stops no other."""
    try:
        yield
    except Refused as failure:
        voice.say(f"{name}: {failure} [{failure.code}]")
        unread.append(name)


def _confirm_escalations(file: Opened, publishing: Publishing, voice: Voice) -> None:
    found = Survey()
    found.count(file.entries(publishing.context()))
    if found.escalations > MOST_ESCALATIONS and not voice.confirm(found.escalations):
        facts = {"found": found.escalations, "most": MOST_ESCALATIONS}
        raise Refused(message("escalation.not_confirmed", **facts), code="escalation.not_confirmed")


def _take(file: Opened, choices: Choices, publishing: Publishing, voice: Voice, totals: Totals) -> None:
    rejected: list[Rejection] = []
    notices: list[Problem] = []
    entries = _counted(file, publishing, voice)
    for answer in publishing.take(entries, choices.mode, mark=choices.mark):
        if isinstance(answer, Rejection):
            rejected.append(answer)
        else:
            _count(answer, totals)
            notices += answer.notices
    for line in notes(file.name, notices):
        voice.say(line)
    if rejected:
        _give_back(file, rejected, voice, totals)


def _counted(file: Opened, publishing: Publishing, voice: Voice) -> Iterator[Entry]:
    size = file.size_bytes()
    for entry in file.entries(publishing.context()):
        voice.progress(f"reading {file.name}", file.position_bytes(), size)
        yield entry


def _count(taken: Taken, totals: Totals) -> None:
    totals.taken += taken.is_new
    totals.repeated += not taken.is_new
    totals.escalated += taken.is_new and taken.lane == "escalated"


def _give_back(file: Opened, rejected: Sequence[Rejection], voice: Voice, totals: Totals) -> None:
    for line in sentences(file.name, [problem for one in rejected for problem in one.problems]):
        voice.say(line)
    path = rejects_path(file.name, file.feed.name)
    totals.refused += len(rejected)
    try:
        require_private(path)
        write_private(path, b"".join(rejects(file.feed.name, rejected)))
    except OSError as error:
        voice.say(message("rejects.unwritable", file=path.name, reason=error.strerror) + " [rejects.unwritable]")
    except Broken as error:
        voice.say(f"{error} [{error.code}]")
    else:
        totals.rejects.append(str(path))


def _sent(total: int, voice: Voice) -> Callable[[int], None]:
    done = 0

    def confirmed(count: int) -> None:
        nonlocal done
        done += count
        voice.progress("sending", done, total)

    return confirmed
