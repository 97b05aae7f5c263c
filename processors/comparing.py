"""Whom another word on an item concerns: whoever would read the same as before keeps its copy; pure."""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from processors.decision import Decision
from processors.referring import Desk
from schemas.item_state import NOT_ILLEGAL
from schemas.records.identifiers import ContentId
from schemas.records.referral import Referral
from schemas.records.report import ContentItem
from schemas.records.ruling import Amendment, Ruling, RulingCause
from schemas.records.triage import Completeness, Priority

FOUND_OUT: Final = frozenset({RulingCause.MOVED, RulingCause.LABEL})
"""Why a report is decided again for what a recipient said of an item."""
_ASSESSED: Final = "iccam"
"""The scheme in which recipients assess."""


def return_behind(ruling: Ruling) -> str:
    """The answer that made the ruling; empty where no answer did."""
    return ruling.occasion.partition(":")[2] if ruling.cause in FOUND_OUT else ""


def earlier(ruling: Ruling, known: Mapping[str, tuple[Amendment, ...]]) -> Ruling:
    """The ruling as it would be, had its answer and all after it not come: by return id, what was known before."""
    return replace(ruling, amendments=known.get(return_behind(ruling), ()))


def spared(ruling: Ruling, before: Decision, after: Decision, desk: Desk) -> Ruling:
    """With everybody whose copy says the same; both are decided under one bundle, at one instant."""
    plain = replace(desk, sealer=None)
    had = {made.recipient: made for made in plain.refer(before, before.proposed.route.recipients)}
    would_have = plain.refer(after, after.proposed.route.recipients)
    stands = (m.recipient for m in would_have if m.recipient in had and says_the_same(had[m.recipient], m))
    return replace(ruling, unchanged=tuple(sorted(stands)))


def says_the_same(before: Referral, after: Referral) -> bool:
    """Whether a member would learn nothing from the later copy that it acts on.

    A first assessment is a word more on an item: it counts where it changes the verdict in the member's law, its tier,
    a flag or what is shown, and where it says that nothing is illegal. One that replaces another counts.
    """
    confirmed = {item.content_id for item in after.items if not _says(item, NOT_ILLEGAL)}
    confirmed -= {item.content_id for item in before.items if _says(item)}
    return _told(before, confirmed) == _told(after, confirmed)


def _told(made: Referral, confirmed: set[ContentId]) -> Referral:
    items = (replace(item, labels=()) if item.content_id in confirmed else item for item in made.items)
    return replace(
        made,
        items=tuple(items),
        verdicts=tuple(replace(verdict, rules=()) for verdict in made.verdicts),
        priority=Priority(tier=made.priority.tier),
        completeness=Completeness(),
    )


def _says(item: ContentItem, word: str = "") -> bool:
    """Whether a hotline has assessed it, with that word or any."""
    return any(label.scheme == _ASSESSED and word in {"", label.label} for label in item.labels)
