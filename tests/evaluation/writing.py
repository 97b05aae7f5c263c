"""How a case is written down: helpers that every family uses."""

from collections.abc import Iterator
from typing import Any, Final

AS_OF: Final = "2026-11-20"
Case = dict[str, Any]


def a_case(name: str, reports: list[dict[str, Any]], expect: list[dict[str, Any]], as_of: str = AS_OF) -> Case:
    """One line of a case file."""
    return {"name": name, "as_of": as_of, "reports": reports, "expect": expect}


def a_report(reference: str = "r-1", submitter: str = "plat-a", **content: Any) -> dict[str, Any]:
    """A report of the jsonl feed with its submitter."""
    return {"submitter": submitter, "submitter_reference": reference} | content


def an_item(**content: Any) -> dict[str, Any]:
    """One content item, hosted in the Netherlands unless it says otherwise."""
    return {"hosting": {"country": "NL"}} | content


def a_label(scheme: str, label: str) -> dict[str, str]:
    """One label."""
    return {"scheme": scheme, "label": label}


def twice(name: str, first: dict[str, Any], second: dict[str, Any], expect: dict[str, Any]) -> Case:
    """Two members report, and the second report is judged."""
    reports = [a_report("a", "plat-a", **first), a_report("b", "ngo-b", **second)]
    return a_case(name, reports, [{"novelty": "new", "links": []}, expect])


Family = Iterator[Case]
