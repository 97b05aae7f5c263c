"""Which delivered spans of one partition are done: only an unbroken head may be committed."""

from collections import deque
from typing import Final


class Span:
    """One delivered slice; compared by identity, so that an acknowledgement from before a rebalance is void."""

    __slots__ = ("acknowledged", "first", "next_offset")

    def __init__(self, first: int, next_offset: int) -> None:
        self.first: Final = first
        self.next_offset: Final = next_offset
        self.acknowledged = False


class SpanTracker:
    """Delivered spans of one partition in order of delivery, from a known start position."""

    def __init__(self, position: int) -> None:
        self._spans: deque[Span] = deque()
        self.position = position
        """The first offset that was not delivered: where a seek has to go."""
        self._committable: int | None = None
        self._committed: int | None = None

    def deliver(self, first: int, next_offset: int) -> Span:
        """Note a span that was handed over; it must start where the last one ended."""
        if first != self.position or next_offset <= first:
            raise ValueError(f"a span starts at {self.position}, found {first} to {next_offset}")
        span = Span(first, next_offset)
        self._spans.append(span)
        self.position = next_offset
        return span

    def retract(self, span: Span) -> None:
        """Forget the newest span, which may not have arrived after all."""
        if not self._spans or self._spans[-1] is not span:
            raise ValueError("only the newest span can be retracted")
        self._spans.pop()
        self.position = span.first

    def committable(self) -> int | None:
        """The offset to commit, or None where nothing new is done; stays until `committed` is told."""
        while self._spans and self._spans[0].acknowledged:
            self._committable = self._spans.popleft().next_offset
        return self._committable if self._committable != self._committed else None

    def committed(self, offset: int) -> None:
        """The broker took that offset."""
        self._committed = offset

    def open_spans(self) -> int:
        """How many delivered spans are not acknowledged."""
        return sum(not span.acknowledged for span in self._spans)
