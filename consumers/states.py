"""Where one delivery stands, and the only ways it can go on: a table, so that no path to losing it exists unseen."""

from enum import StrEnum

from schemas.failures import Broken
from schemas.records.answers import ReturnKind


class State(StrEnum):
    """Where one delivery stands; every state but WITHDRAWN can still reach a person."""

    RECEIVED = "received"
    SENDING = "sending"
    DELIVERED = "delivered"
    TAKEN_UP = "taken_up"
    REFUSED = "refused"
    EXPIRED = "expired"
    PARKED = "parked"
    UNCERTAIN = "uncertain"
    COUNTED = "counted"
    BUNDLED = "bundled"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What can happen to a delivery."""

    TAKE = "take"
    """The courier takes it up."""
    CONFIRM = "confirm"
    """Every sink has it."""
    RETRY = "retry"
    """A sink was away: try again later."""
    PARK = "park"
    """A sink will not have it, or retries are used up: a person must look."""
    DOUBT = "doubt"
    """It was sent, and nobody can tell whether it arrived."""
    EXPIRE = "expire"
    RESUME = "resume"
    """A person lets it go again."""
    WITHDRAW = "withdraw"
    TAKE_UP = "take_up"
    """A person of the recipient works on it."""
    REFUSE = "refuse"
    """A person of the recipient says it is not theirs."""


_ANSWERS = {Event.TAKE_UP: State.TAKEN_UP, Event.REFUSE: State.REFUSED}
"""A person may have seen a referral by another way (`tocsin subscribe`): an answer counts in every waiting state."""

_NEXT: dict[State, dict[Event, State]] = {
    State.RECEIVED: {
        Event.TAKE: State.SENDING,
        Event.EXPIRE: State.EXPIRED,
        Event.WITHDRAW: State.WITHDRAWN,
        **_ANSWERS,
    },
    State.SENDING: {
        Event.CONFIRM: State.DELIVERED,
        Event.RETRY: State.RECEIVED,
        Event.PARK: State.PARKED,
        Event.DOUBT: State.UNCERTAIN,
    },
    State.DELIVERED: _ANSWERS,
    State.TAKEN_UP: _ANSWERS,
    State.REFUSED: _ANSWERS,
    State.EXPIRED: {Event.RESUME: State.RECEIVED, Event.WITHDRAW: State.WITHDRAWN, **_ANSWERS},
    State.PARKED: {
        Event.RESUME: State.RECEIVED,
        Event.EXPIRE: State.EXPIRED,
        Event.WITHDRAW: State.WITHDRAWN,
        **_ANSWERS,
    },
    State.UNCERTAIN: {Event.RESUME: State.RECEIVED, Event.CONFIRM: State.DELIVERED, **_ANSWERS},
    State.COUNTED: {Event.RESUME: State.RECEIVED, Event.WITHDRAW: State.WITHDRAWN, **_ANSWERS},
    State.BUNDLED: {
        Event.CONFIRM: State.DELIVERED,
        Event.RESUME: State.RECEIVED,
        Event.EXPIRE: State.EXPIRED,
        Event.WITHDRAW: State.WITHDRAWN,
        **_ANSWERS,
    },
    State.WITHDRAWN: {},
}

GOT = frozenset({State.DELIVERED, State.TAKEN_UP})
"""The recipient certainly has it; only this makes a later copy a duplicate."""

MAY_HAVE = GOT | {State.SENDING, State.UNCERTAIN, State.REFUSED}
"""The recipient may have seen it: whoever takes it back must say so."""

WAITING = frozenset({State.RECEIVED, State.SENDING, State.PARKED, State.UNCERTAIN, State.BUNDLED, State.EXPIRED})
"""Shown as undelivered until a sink or a person says otherwise."""

STOPPABLE = frozenset(state for state, moves in _NEXT.items() if Event.WITHDRAW in moves)
EXPIRABLE = frozenset(state for state, moves in _NEXT.items() if Event.EXPIRE in moves)
RESUMABLE = frozenset(state for state, moves in _NEXT.items() if Event.RESUME in moves)

TOLD: dict[State, ReturnKind] = {
    State.DELIVERED: ReturnKind.DELIVERED,
    State.COUNTED: ReturnKind.COUNTED,
    State.PARKED: ReturnKind.PARKED,
    State.EXPIRED: ReturnKind.EXPIRED,
    State.UNCERTAIN: ReturnKind.UNCERTAIN,
    State.WITHDRAWN: ReturnKind.WITHDRAWN,
}
"""The Return that a machine sends when a delivery enters the state."""


def after(state: State, event: Event) -> State:
    """The state that follows; Broken where the table knows no such step."""
    try:
        return _NEXT[state][event]
    except KeyError:
        raise Broken(
            f"A delivery in state '{state}' cannot {event}. "
            "The store was changed from outside: compare it with a backup.",
            code="delivery.impossible_step",
        ) from None


def allows(state: State, event: Event) -> bool:
    """Whether the table knows the step."""
    return event in _NEXT[state]
