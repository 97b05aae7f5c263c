"""What every sink can do: send, check, close; and the one failure more that sending can have."""

from enum import StrEnum
from typing import Final, Protocol

from consumers.letters import Parcel
from schemas.failures import Temporary

LONGEST_WAIT_SECONDS: Final = 3_600.0
"""Whoever asks for more is asked again after an hour: a typo must not silence a sink for a year."""


class Presence(StrEnum):
    """A sink's answer to whether it has a parcel."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Away(Temporary):
    """The whole sink is away: nothing arrived, and the next parcel would fare no better."""


class Unanswered(Temporary):
    """The parcel was sent and no answer came: it may or may not have arrived."""


class Later(Temporary):
    """The sink is there, does not take it now, and says from when on it may."""

    def __init__(self, message: str, *, code: str, wait_seconds: float) -> None:
        super().__init__(message, code=code)
        self.wait_seconds = wait_seconds


class Sink(Protocol):
    """Where parcels go; sending raises Temporary (not arrived, try again), Away, Unanswered or Refused."""

    honours_key: bool
    """Whether the same key sent twice has one effect there."""

    def send(self, parcel: Parcel) -> None:
        """Hand over one parcel; returning means that it is durably there."""

    def check(self, key: str) -> Presence:
        """Whether a parcel arrived; UNKNOWN where the sink can never tell, Temporary where it can tell later."""

    def erase(self, key: str) -> bool:
        """Delete what was sent under a key; True where nothing of it is left there, False where nobody can tell.

        Raises Temporary where it may succeed later.
        """

    def close(self) -> None:
        """Let go of files and connections."""
