"""Entries of the register of restrictions."""

from typing import Any

from tests.builders.reports import a_report
from tocsin.stack.restrictions import Entry


def an_entry(**changes: Any) -> Entry:
    """A report that is only kept since an instant of 2026."""
    said: dict[str, Any] = {
        "report_id": a_report().report_id,
        "number": 1,
        "by": "A. Operator",
        "reason": "file 1 of a test",
        "at_ms": 1_795_000_000_000,
    }
    return Entry(**(said | changes))
