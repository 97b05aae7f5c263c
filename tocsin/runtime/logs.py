"""Structured logs: one JSON object a line on standard error, from a closed set of fields."""

import json
import logging
import sys
import time
from typing import TextIO

_NOISY = ("aiokafka", "faust", "mode", "kafka", "httpx", "httpcore")
"""Libraries that write a line per retry; aiokafka alone wrote thousands during a broker restart."""


class JsonLines(logging.Formatter):
    """Render a record as one JSON line; only facts passed as `extra={"facts": {...}}` are added."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break inside."""
        line: dict[str, object] = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= getattr(record, "facts", {})
        if record.exc_info and record.exc_info[0]:
            line["failure"] = record.exc_info[0].__name__
        return json.dumps(line, default=str, ensure_ascii=False)


class RateLimit(logging.Filter):
    """Let one line per logger and template through per interval; the rest are counted into the next one."""

    def __init__(self, interval_seconds: float) -> None:
        super().__init__()
        self._interval_seconds = interval_seconds
        self._last: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide for one record; bounded because templates are source text."""
        key = (record.name, str(record.msg)[:200])
        last_seconds, held = self._last.get(key, (float("-inf"), 0))
        if record.created - last_seconds < self._interval_seconds:
            self._last[key] = (last_seconds, held + 1)
            return False
        if len(self._last) > 1000:  # noqa: PLR2004 -- a bound, not a meaning
            self._last.clear()
        self._last[key] = (record.created, 0)
        if held:
            record.facts = {**getattr(record, "facts", {}), "held_back": held}
        return True


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
