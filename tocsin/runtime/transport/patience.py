"""How long a slice waits for the claim store before what may not wait goes on without it."""

import math


class Patience:
    """Bounded per outage, not per slice: once it has ended, nobody waits until the store has answered again."""

    def __init__(self, seconds: float = math.inf) -> None:
        self._seconds = seconds
        self._has_ended = False

    def left(self) -> float:
        """Seconds that a slice which starts to wait now may wait."""
        return 0.0 if self._has_ended else self._seconds

    def end(self) -> None:
        """A slice has waited long enough."""
        self._has_ended = True

    def renew(self) -> None:
        """The store has answered."""
        self._has_ended = False
