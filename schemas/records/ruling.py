"""A decision on a report that was decided before: Ruling, from operators and from the returns worker to triage."""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import ContentId, CountryCode, MemberId, ReportId
from schemas.records.values import Coordinate, Instant, Mark

RECALLED: Final = 2**31 - 2
"""The revision as which the exchange takes a report back: behind all that a submitter may send, before an erasure's."""


class RulingCause(StrEnum):
    """Why it is decided again."""

    UNKNOWN = "UNKNOWN"
    REROUTE = "REROUTE"
    PERSON = "PERSON"
    MOVED = "MOVED"
    LABEL = "LABEL"
    ESCALATED = "ESCALATED"
    LEFT = "LEFT"
    HOLD = "HOLD"
    RECALLED = "RECALLED"
    """The exchange takes the report back, for good."""
    LABEL_RECALLED = "LABEL_RECALLED"
    """A recipient's assessment of an item does not count any more: whoever has it gets a copy without it."""
    RESTRICTED = "RESTRICTED"
    """Somebody whom the report is about asked that it only be kept."""
    LIFTED = "LIFTED"
    """That ended: whoever the rules name gets the report again."""


class Amendment(Struct, frozen=True, kw_only=True, gc=False):
    """What a recipient found out about one item after the report came in; what is empty did not change."""

    content_id: ContentId = ContentId("")
    hosting_country: CountryCode = CountryCode("")
    moved_at: Instant | None = None
    """When that was said: a look of the submitter that is later than this counts more."""
    classification: str = ""


class Ruling(Struct, frozen=True, kw_only=True, gc=False):
    """Decide a report again, by the rules in force when this is taken; triage reads the record where it lies."""

    ruling_id: str
    report_id: ReportId
    revision: int = 1
    submitter: MemberId
    submitter_reference: str = ""
    mark: Mark = Mark.LIVE
    source: Coordinate
    cause: RulingCause = RulingCause.UNKNOWN
    occasion: str = ""
    decided_by: str = ""
    reason: str = ""
    unchanged: tuple[MemberId, ...] = ()
    chosen: tuple[MemberId, ...] = ()
    closed: bool = False
    amendments: tuple[Amendment, ...] = ()
    """All that is known of its items since: the record itself says nothing of that."""
