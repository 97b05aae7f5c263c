"""The firewall's decision on one record: it goes on, cleaned where it must be, or is refused with every hit named."""

from typing import Generic, TypeVar

from msgspec import Struct

from schemas.catalogue import message
from schemas.screening import Finding, screen

T = TypeVar("T", bound=Struct)


class Passed(Struct, Generic[T], frozen=True, kw_only=True, gc=False):
    """The record goes on; `findings` are the optional fields that were emptied."""

    record: T
    findings: tuple[Finding, ...] = ()


class Stopped(Struct, frozen=True, kw_only=True):
    """The record is refused: code, field and sentence of the hit that decides, and all hits."""

    code: str
    field: str
    message: str
    findings: tuple[Finding, ...]


def decide(record: T) -> Passed[T] | Stopped:
    """Screen one decoded record."""
    screened = screen(record)
    if not screened.refused:
        return Passed(record=screened.report, findings=screened.findings)
    first = screened.findings[0]
    return Stopped(
        code=first.rule,
        field=first.path,
        message=message(first.rule, length=first.length),
        findings=screened.findings,
    )
