"""Writes X-ARF reports one a line, as the reader takes them back; pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec


def write(reports: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One line a report."""
    for report in reports:
        yield msgspec.json.encode(report) + b"\n"
