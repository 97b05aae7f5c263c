"""ICCAM's rules for one content item: who may assess it, act on it and move it, and when no more; pure.

Source: domain facts 1.4, as a public client of ICCAM shows them. The exchange decides by these rules, and
`tocsin answer` warns by them before an answer leaves (ADR 0011).
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.records.answers import Outcome
from schemas.records.report import SourceUrl
from schemas.vocabularies import vocabulary

BASELINE: Final = "baseline"
NATIONAL: Final = "national"
NOT_ILLEGAL: Final = "not_illegal"
_UNDESCRIBED: Final = frozenset({"", "not_determined"})
_UNSETTLED: Final = frozenset({"", "doubtful"})
FINAL_ACTIONS: Final = frozenset({"removed", "unavailable", NOT_ILLEGAL})
"""Nothing is done after these; notices to police and to the host are intermediate."""
MOVED: Final = "moved"
"""No action of its own: a change of hosting, then of the assigned country."""
MONITORING: Final = "monitoring"
"""No action either: the item's page is watched until something is done about it."""
_NO_ACTIONS: Final = frozenset({MOVED, MONITORING})


class ActKind(StrEnum):
    """What somebody does to an item."""

    ASSESS = "assess"
    ACT = "act"
    REHOST = "rehost"
    """First step of a move."""
    REASSIGN = "reassign"
    """Second step of a move."""
    MONITOR = "monitor"


class Act(Struct, frozen=True, kw_only=True, gc=False):
    """One thing done to an item; `value` is a classification, an action or a country."""

    kind: ActKind
    value: str


class Actor(Struct, frozen=True, kw_only=True, gc=False):
    """Who does it: whether the item is assigned to its country, and whether it is a hotline at all."""

    is_assigned: bool
    is_hotline: bool = True


class ItemState(Struct, frozen=True, kw_only=True, gc=False):
    """Where one item stands; an empty country is one that nobody knows."""

    hosting_country: str = ""
    assigned_country: str = ""
    classification: str = ""
    """The last assessment by a hotline; the last one counts."""
    actions: tuple[str, ...] = ()
    is_described: bool = False
    """Whether site type, commerciality and payment method of its page are known."""
    is_monitored: bool = False


def is_described(page: SourceUrl | None) -> bool:
    """Whether a page is described well enough to be monitored; what nobody has determined is not filled in."""
    if page is None:
        return False
    said = (page.site_type, page.commerciality, *(page.payment_methods or ("",)))
    return not _UNDESCRIBED.intersection(said)


def acts_of(outcome: Outcome) -> tuple[Act, ...]:
    """What an outcome does to its item, in ICCAM's order; one that only says how useful it was does nothing."""
    action = "" if outcome.action in _NO_ACTIONS else outcome.action
    said = (
        (ActKind.ASSESS, outcome.classification),
        (ActKind.ACT, action),
        (ActKind.REHOST, outcome.hosting_country),
        (ActKind.REASSIGN, outcome.assigned_country),
        (ActKind.MONITOR, outcome.action if outcome.action == MONITORING else ""),
    )
    return tuple(Act(kind=kind, value=value) for kind, value in said if value)


def refusal(state: ItemState, act: Act, actor: Actor) -> str:
    """The code of the first rule that the act breaks; empty where it breaks none."""
    return next((code for kinds, code, breaks in _RULES if act.kind in kinds and breaks(state, act, actor)), "")


def after(state: ItemState, act: Act) -> ItemState:
    """The state that follows an act that breaks no rule."""
    if act.kind is ActKind.ACT:
        return replace(state, actions=(*state.actions, act.value))
    if act.kind is ActKind.MONITOR:
        return replace(state, is_monitored=True)
    return replace(state, **{_FIELDS[act.kind]: act.value})


def replayed(state: ItemState, acts: Iterable[Act]) -> ItemState:
    """The state after acts that were accepted, in their order."""
    for act in acts:
        state = after(state, act)
    return state


_FIELDS: Final = {
    ActKind.ASSESS: "classification",
    ActKind.REHOST: "hosting_country",
    ActKind.REASSIGN: "assigned_country",
}
_VALUES: Final = {
    ActKind.ASSESS: "classification",
    ActKind.ACT: "action",
    ActKind.REHOST: "country",
    ActKind.REASSIGN: "country",
    ActKind.MONITOR: "action",
}
"""The vocabulary of each kind of act."""
_ASSESSING: Final = frozenset({ActKind.ASSESS})
_ACTING: Final = frozenset({ActKind.ACT})
_MOVING: Final = frozenset({ActKind.REHOST, ActKind.REASSIGN})
_MONITORING: Final = frozenset({ActKind.MONITOR})
_Rule = tuple[frozenset[ActKind], str, Callable[[ItemState, Act, Actor], bool]]


def _is_settled(state: ItemState) -> bool:
    return state.classification not in _UNSETTLED


def _is_ended(state: ItemState) -> bool:
    return not FINAL_ACTIONS.isdisjoint(state.actions)


def _is_known(act: Act) -> bool:
    return vocabulary(_VALUES[act.kind]).is_known(act.value)


_RULES: Final[tuple[_Rule, ...]] = (
    (frozenset(ActKind), "item.unknown_value", lambda state, act, actor: not _is_known(act)),
    (_ASSESSING, "item.baseline_is_final", lambda state, act, actor: state.classification == BASELINE),
    (_ASSESSING, "item.acted_on", lambda state, act, actor: bool(state.actions)),
    (_ASSESSING, "item.only_national", lambda state, act, actor: state.classification == NOT_ILLEGAL),
    (_ASSESSING, "item.not_assigned", lambda state, act, actor: _is_settled(state) and not actor.is_assigned),
    (_ASSESSING, "item.not_a_hotline", lambda state, act, actor: not (actor.is_hotline or actor.is_assigned)),
    (_ACTING | _MOVING | _MONITORING, "item.not_assigned", lambda state, act, actor: not actor.is_assigned),
    (_ACTING, "item.same_action", lambda state, act, actor: act.value in state.actions),
    (_MONITORING, "item.same_action", lambda state, act, actor: state.is_monitored),
    (_ACTING | _MOVING | _MONITORING, "item.ended", lambda state, act, actor: _is_ended(state)),
    (
        _ACTING,
        "item.baseline_is_final",
        lambda state, act, actor: act.value == NOT_ILLEGAL and state.classification == BASELINE,
    ),
    (_MONITORING, "item.not_described", lambda state, act, actor: not state.is_described),
    (frozenset({ActKind.REHOST}), "item.same_host", lambda state, act, actor: act.value == state.hosting_country),
    (
        frozenset({ActKind.REASSIGN}),
        "item.host_first",
        lambda state, act, actor: act.value != state.hosting_country or act.value == state.assigned_country,
    ),
)
"""In the order in which they are told: which acts, the code, and what breaks the rule."""
