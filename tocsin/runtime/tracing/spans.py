"""The port for spans; switched off, it does nothing and costs a slice one call."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Protocol

from tocsin.runtime.settings import Settings
from tocsin.runtime.transport.slices import Slice

_NOTHING: Final = nullcontext("")


class Spans(Protocol):
    """What the stages tell of their work; no attribute names a report, a person or a digest."""

    carries: bool
    """Whether contexts are read from headers, kept and passed on."""

    def producing(self) -> AbstractContextManager[str]:
        """The publication of one record, the root of its trace; gives the context to send along, or ""."""

    def slice(self, stage: str, piece: Slice) -> AbstractContextManager[str]:
        """A slice: one span, with a link to the trace of each record that carries one."""

    def delivering(self, contexts: Sequence[str]) -> AbstractContextManager[str]:
        """One sending: a child of the trace of its referral, linked to each where it is a bundle."""


class Untraced:
    """The default."""

    carries = False

    def producing(self) -> AbstractContextManager[str]:
        """Nothing."""
        return _NOTHING

    def slice(self, stage: str, piece: Slice) -> AbstractContextManager[str]:
        """Nothing."""
        return _NOTHING

    def delivering(self, contexts: Sequence[str]) -> AbstractContextManager[str]:
        """Nothing."""
        return _NOTHING


UNTRACED: Final = Untraced()


def spans_of(settings: Settings) -> Spans:
    """As the settings say; raises Broken where traces are on and OpenTelemetry is not installed."""
    if not settings.traces:
        return UNTRACED
    from tocsin.runtime.tracing.telemetry import Telemetry  # noqa: PLC0415 -- its package is an extra

    return Telemetry.of_process()
