"""What can become of one record: a closed set, one byte each, stored per offset."""

from enum import IntEnum


class Outcome(IntEnum):
    """Values are stored: they are never renumbered, only added."""

    ROUTED = 1
    """At least one referral was made."""
    COUNTED_ONLY = 2
    """Every recipient agreed to counts."""
    WAITING_PERSON = 3
    """Rules could not settle it."""
    NO_RECIPIENT = 4
    """Nobody is concerned, by rule."""
    REFUSED = 5
    """A dead letter with its reason."""
    STALE = 6
    """A lower revision than the latest known, or one used twice."""
    WITHDRAWN = 7
    """A withdrawal that was carried out."""
    DROPPED = 8
    """A dead letter that a named person dropped with a reason."""
    SKIPPED = 9
    """An input that a named person set aside because it halted triage."""
    APPLIED = 10
    """A return that was applied."""
    LOST = 11
    """Gone from the broker before it was read; a named person took note."""


def outcome_bytes(outcomes: tuple[Outcome, ...]) -> bytes:
    """As a ledger block stores them."""
    return bytes(outcomes)


def outcomes_in(block: bytes) -> tuple[Outcome, ...]:
    """Back from a block; an unknown byte is a ValueError, because it would be a record lost from every sum."""
    return tuple(Outcome(value) for value in block)
