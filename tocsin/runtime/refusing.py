"""Requests that an HTTP port refused, in its process's log: who asked, when, and why not."""

import logging
from typing import Final

from tocsin.runtime.logs import RateLimit

_LOG: Final = logging.getLogger(__name__)
_HELD_SECONDS: Final = 10.0


class Refusals:
    """Of one port: what concerns a signature or a certificate is told each time, what may come in floods is not.

    A reason is one of a few words of ours, and never anything that the caller sent.
    """

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._limit = RateLimit(_HELD_SECONDS)

    def tell(self, why: str, caller: str) -> None:
        """One line for this request; the pace of the port is its bound."""
        _LOG.handle(self._record(why, caller))

    def tell_of_many(self, why: str, caller: str) -> None:
        """One line in ten seconds for each reason; the next one says how many were held back."""
        record = self._record(why, caller)
        if self._limit.filter(record):
            _LOG.handle(record)

    def _record(self, why: str, caller: str) -> logging.LogRecord:
        facts = {"stage": self._stage, "outcome": "refused", "why": why, "caller": caller}
        message = f"{self._stage}: {why}"
        return _LOG.makeRecord(_LOG.name, logging.WARNING, __file__, 0, message, (), None, extra={"facts": facts})
