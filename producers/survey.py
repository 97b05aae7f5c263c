"""What a file holds before anything of it is published: how many reports, how many escalate, what is wrong; pure."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from producers.building import checked
from producers.feeds.entries import Entry, Problem, Rejection
from producers.lanes import Lane

MOST_ESCALATIONS: Final = 20
"""More in one file are a slip more often than a night of emergencies, so somebody confirms them."""
MOST_SHOWN: Final = 50


class Survey(Struct, kw_only=True):
    """Counts of one or more files; grows while it looks."""

    good: int = 0
    escalated_lane: int = 0
    escalations: int = 0
    """Reports whose submitter gave a reason for urgency."""
    rejections: list[Rejection] = []
    notices: list[Problem] = []
    unread: list[str] = []
    """Files that were refused whole."""

    def look(self, found: Iterable[Entry]) -> Iterator[Entry]:
        """Count entries on their way."""
        for entry in found:
            one = checked(entry)
            if isinstance(one, Rejection):
                self.rejections.append(one)
            else:
                self.good += 1
                self.escalations += one.draft.escalation is not None
                self.escalated_lane += one.lane is Lane.ESCALATED
                self.notices += one.notices[: max(0, MOST_SHOWN - len(self.notices))]
            yield entry

    def count(self, found: Iterable[Entry]) -> None:
        """Look at everything."""
        for _ in self.look(found):
            pass


def sentences(name: str, problems: Sequence[Problem]) -> Iterator[str]:
    """A bounded list of problems for a person; the file of rejects has them all."""
    for problem in problems[:MOST_SHOWN]:
        yield f"{name}: {problem}"
    if len(problems) > MOST_SHOWN:
        yield f"{name}: ... and {len(problems) - MOST_SHOWN} more."


def notes(name: str, notices: Sequence[Problem]) -> Iterator[str]:
    """What goes on although it is odd, or without a field that was emptied: told, and not to be corrected."""
    for line in sentences(name, notices):
        yield f"note: {line}"
