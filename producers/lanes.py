"""Which of a member's two topics a report takes: what cannot wait does not queue behind a backlog; pure."""

from enum import StrEnum
from typing import Final

from producers.draft import ReportDraft
from schemas.records.identifiers import MemberId
from schemas.records.report import ContentItem
from schemas.records.values import Ternary
from schemas.topics import escalated_topic, submitted_topic


class Lane(StrEnum):
    """The two ways into the exchange."""

    SUBMITTED = "submitted"
    ESCALATED = "escalated"


GATE_CODES: Final = frozenset(
    {
        "imminent_danger",
        "live_stream",
        "live_streaming",
        "sadistic_online_exploitation",
        "sextortion",
        "trafficking",
    }
)
"""Incident types and annotations that always make a report urgent; a test compares them with the priority rules."""


def lane_of(draft: ReportDraft) -> Lane:
    """Escalated where the submitter gave a reason, or a gate field speaks for itself."""
    codes = (*draft.incident_types, *draft.annotations)
    is_urgent = bool(draft.escalation) or not GATE_CODES.isdisjoint(codes) or any(map(_is_gate, draft.items))
    return Lane.ESCALATED if is_urgent else Lane.SUBMITTED


def topic_of(lane: Lane, member: MemberId) -> str:
    """The topic of a lane."""
    return escalated_topic(member) if lane is Lane.ESCALATED else submitted_topic(member)


def _is_gate(item: ContentItem) -> bool:
    return item.live_stream is Ternary.YES or not GATE_CODES.isdisjoint(item.annotations)
