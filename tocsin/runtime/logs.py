"""Structured logs: one JSON object a line on standard error, from a closed set of facts (ADR 0051)."""

import logging
import sys
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, TextIO

import msgspec

from tocsin.runtime.facts import shown

_CLIENT: Final = "librdkafka"
_NOISY: Final = ("aiokafka", "faust", "mode", "kafka", "httpx", "httpcore", _CLIENT)
"""Libraries that write a line per retry; aiokafka alone wrote thousands during a broker restart."""
_TEMPLATES: Final = 1_000
"""How many a limit remembers; more are begun anew."""

Facts = Mapping[str, object]


class JsonLines(logging.Formatter):
    """Render a record as JSON lines: one, or one for each of its outcomes.

    Of what is passed as `extra={"facts": {...}}` only the facts of the table are shown.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the lines, without a line break inside one or behind the last."""
        head = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            head["failure"] = record.exc_info[0].__name__
        told: Iterable[Facts] = getattr(record, "outcomes", ({},))
        common = shown(getattr(record, "facts", {}))
        return "\n".join(_line(head | common | shown(facts)) for facts in told)


def _line(line: dict[str, object]) -> str:
    return msgspec.json.encode(line, enc_hook=str).decode()


class RateLimit(logging.Filter):
    """Let one line per logger and template through per interval; the rest are counted into the next one."""

    def __init__(self, interval_seconds: float) -> None:
        super().__init__()
        self._interval_seconds = interval_seconds
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide for one record; bounded because templates are source text."""
        key = (record.name, _template(record))
        last_seconds, held = self._last.get(key, (float("-inf"), 0))
        if record.created - last_seconds < self._interval_seconds:
            self._last[key] = (last_seconds, held + 1)
            return False
        if len(self._last) > _TEMPLATES:
            self._last.clear()
        self._last[key] = (record.created, 0)
        if held:
            record.facts = {**getattr(record, "facts", {}), "held_back": held}
        return True


def _template(record: logging.LogRecord) -> str:
    """What its lines have in common; librdkafka's have one template, and say first which of its parts speaks."""
    part = record.args[0] if record.name == _CLIENT and isinstance(record.args, tuple) and record.args else ""
    return f"{part} {record.msg}"[:200]


def client_log() -> dict[str, Any]:
    """Properties of a confluent-kafka client that is polled: librdkafka's own lines become lines of our log."""
    return {"logger": logging.getLogger(_CLIENT)}


def tell_outcomes(log: logging.Logger, stage: str, told: Iterable[Facts]) -> None:
    """One line for each outcome, written at once; nothing is made of them where nobody listens."""
    if log.isEnabledFor(logging.INFO) and (outcomes := tuple(told)):
        extra = {"facts": {"stage": stage}, "outcomes": outcomes}
        log.info("%s: outcome", stage, extra=extra)


def configure(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging once per process; called by the command line, never on import."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    limit = RateLimit(interval_seconds=10)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    handler.addFilter(lambda record: not record.name.startswith(_NOISY) or limit.filter(record))
