"""What a log has of outcomes, as whoever keeps it reads them."""

import json
from collections.abc import Iterable
from logging import LogRecord
from typing import Any

from tocsin.runtime.logs import JsonLines


def outcomes(records: Iterable[LogRecord], logger: str) -> list[dict[str, Any]]:
    """The lines of outcomes that a logger wrote, in order, without what every line has."""
    formatter = JsonLines()
    lines = [line for record in records if record.name == logger for line in formatter.format(record).splitlines()]
    return [{name: fact for name, fact in json.loads(line).items() if name not in _HEAD} for line in lines]


_HEAD = ("at", "level", "logger", "message")
