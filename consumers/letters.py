"""What one delivery consists of: its referrals or a notice, and the parcel that a sink is given."""

from collections.abc import Callable

from msgspec import Struct

from schemas.records.answers import Status
from schemas.records.identifiers import ReportId
from schemas.records.referral import Referral
from schemas.records.values import Mark, Tier


class Letter(Struct, frozen=True, kw_only=True):
    """One referral, a bundle that lists its members, or a notice about a referral; `key` is stable for ever."""

    key: str
    referrals: tuple[Referral, ...] = ()
    is_bundle: bool = False
    notices: tuple[Status, ...] = ()


class Document(Struct, frozen=True, kw_only=True):
    """A letter as one format writes it; the same letter gives the same bytes."""

    suffix: str
    media_type: str
    body: bytes


Format = Callable[[Letter], Document]


class Parcel(Struct, frozen=True, kw_only=True):
    """What a sink is given: the stable key, what a clerk reads on the envelope, and the document."""

    key: str
    report_id: ReportId = ReportId("")
    revision: int = 1
    mark: Mark = Mark.LIVE
    tier: Tier = Tier.NORMAL
    withdrawn: bool = False
    context: str = ""
    """The trace context to send along, where traces are on."""
    document: Document


def parcel_of(letter: Letter, write: Format) -> Parcel:
    """The parcel of a letter in one format."""
    document = write(letter)
    if letter.is_bundle:
        return Parcel(key=letter.key, document=document)
    if letter.notices:
        return _notice(letter.key, letter.notices[0], document)
    referral = letter.referrals[0]
    return Parcel(
        key=letter.key,
        report_id=referral.report_id,
        revision=referral.revision,
        mark=referral.mark,
        tier=referral.priority.tier,
        withdrawn=referral.withdrawn,
        document=document,
    )


def _notice(key: str, notice: Status, document: Document) -> Parcel:
    return Parcel(key=key, report_id=notice.report_id, revision=notice.revision, mark=notice.mark, document=document)
