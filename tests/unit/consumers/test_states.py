"""The table of states: nothing waiting can vanish, and nothing delivered goes out again by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.states import GOT, RESUMABLE, TOLD, WAITING, Event, State, after, allows
from schemas.failures import Broken

MACHINE = set(Event) - {Event.RESUME, Event.TAKE_UP, Event.REFUSE}
"""What happens without a person."""


@pytest.mark.parametrize(
    ("state", "event", "following"),
    [
        (State.RECEIVED, Event.TAKE, State.SENDING),
        (State.SENDING, Event.CONFIRM, State.DELIVERED),
        (State.SENDING, Event.RETRY, State.RECEIVED),
        (State.SENDING, Event.DOUBT, State.UNCERTAIN),
        (State.PARKED, Event.RESUME, State.RECEIVED),
        (State.BUNDLED, Event.CONFIRM, State.DELIVERED),
        (State.DELIVERED, Event.TAKE_UP, State.TAKEN_UP),
        (State.RECEIVED, Event.WITHDRAW, State.WITHDRAWN),
    ],
)
def test_a_known_step_leads_on(state: State, event: Event, following: State) -> None:
    assert after(state, event) is following


def test_an_unknown_step_stops_the_process() -> None:
    with pytest.raises(Broken) as caught:
        after(State.WITHDRAWN, Event.TAKE)
    assert caught.value.code == "delivery.impossible_step"


@given(st.sampled_from(State), st.lists(st.sampled_from(sorted(MACHINE)), max_size=30))
def test_no_machine_sends_again_what_the_recipient_has(state: State, events: list[Event]) -> None:
    had_it = state in GOT
    for event in events:
        if allows(state, event):
            state = after(state, event)
        assert not (had_it and state in {State.RECEIVED, State.SENDING})
        had_it = had_it or state in GOT


@given(st.sampled_from(sorted(WAITING | {State.COUNTED})))
def test_from_every_state_that_waits_a_delivery_is_still_possible(state: State) -> None:
    reached, frontier = {state}, [state]
    while frontier:
        here = frontier.pop()
        for event in Event:
            if allows(here, event) and after(here, event) not in reached:
                reached.add(after(here, event))
                frontier.append(after(here, event))
    assert State.DELIVERED in reached


def test_whatever_a_machine_cannot_bring_further_is_told_and_can_be_resumed() -> None:
    stuck = {state for state in WAITING if not any(allows(state, event) for event in (Event.TAKE, Event.RETRY))}
    assert stuck <= RESUMABLE
    assert stuck - {State.BUNDLED} <= TOLD.keys()
