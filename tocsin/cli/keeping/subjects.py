"""What `tocsin subject` is asked to do with what it finds, and doing it."""

from collections.abc import Sequence

import click
from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import ReportId
from tocsin.runtime.database import Database
from tocsin.runtime.ledger.skips import Excuse
from tocsin.runtime.settings import Settings
from tocsin.stack import subjects


class Wish(Struct, frozen=True, kw_only=True):
    """One of the three things that are done, by whom and why."""

    verb: str
    field: str = ""
    order: Excuse

    @property
    def done(self) -> str:
        """What is said of a number of reports afterwards."""
        return _WORDS[self.verb]

    @property
    def would(self) -> str:
        """What is said of them in a dry run."""
        return f"would be: {self.done}"


_WORDS = {
    "restrict": "only kept from now on; whoever had one is told to give it up",
    "lift": "decided again",
    "correct": "of which the submitter is asked",
}


def wish_of(*, restrict: bool, lift: bool, field: str, reason: str, by: str) -> Wish | None:
    """What the options say; raises click's own error where they contradict each other or say no reason."""
    given = [verb for verb, is_given in (("restrict", restrict), ("lift", lift), ("correct", bool(field))) if is_given]
    if not given:
        return None
    if len(given) > 1 or not reason:
        raise click.UsageError("Say one of --restrict, --lift and --correct, and --reason with it.")
    if field:
        subjects.known_field(field)
    return Wish(verb=given[0], field=field, order=Excuse(by=by, reason=reason))


def put_back(settings: Settings, database: Database) -> str:
    """Hold the database against the register of restrictions; tells what was done. May raise Temporary."""
    in_force, lost = subjects.again(settings, database)
    return f"{in_force} in force in the register; {lost} orders had been lost and count again."


def carry_out(settings: Settings, database: Database, reports: Sequence[ReportId], wish: Wish) -> bool:
    """Whether it is done; False where triage still has to. Raises Refused where no report is left to do it with."""
    if not reports:
        raise Refused(message("subject.nothing"), code="subject.nothing")
    if wish.verb == "restrict":
        return subjects.restrict(settings, database, reports, wish.order)
    if wish.verb == "lift":
        return subjects.lift(settings, database, reports, wish.order)
    subjects.correct(settings, database, reports, wish.field, wish.order)
    return True
