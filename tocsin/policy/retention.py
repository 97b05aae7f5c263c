"""How long the exchange keeps a report: a dated table, of which the first line that fits decides (ADR 0028)."""

from collections.abc import Collection
from datetime import date
from typing import Annotated, Final

from msgspec import Meta, Struct

from tocsin.policy.dates import Dated, in_force
from tocsin.policy.members import Sector

RETENTION: Final = "retention.toml"
_DAY_MS: Final = 86_400_000
DEFAULT_DAYS: Final = 365
"""Where no line fits, or the bundle has no table."""


class RetentionRule(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line; what it does not name it does not ask for."""

    outcome: str = ""
    """What triage made of it: `no_recipient`."""
    mark: str = ""
    sector: Sector | None = None
    """Of the submitter."""
    label: str = ""
    """An annotation of it or of one of its items, or an incident type."""
    days: Annotated[int, Meta(ge=1, le=3650)]
    source: str
    confidence: str = "low"

    def fits(self, about: "Kept") -> bool:
        """Whether it speaks of such a report."""
        return (
            self.outcome in {"", about.outcome}
            and self.mark in {"", about.mark}
            and self.sector in {None, about.sector}
            and (not self.label or self.label in about.labels)
        )


class Kept(Struct, frozen=True, kw_only=True):
    """What the table asks of a report."""

    outcome: str
    mark: str
    sector: Sector | None
    labels: Collection[str] = ()


class Retention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table, as one versioned file."""

    version: str
    rule: tuple[RetentionRule, ...] = ()

    def days(self, about: Kept, on: date) -> int:
        """By the first line in force that fits."""
        return next((rule.days for rule in in_force(self.rule, on) if rule.fits(about)), DEFAULT_DAYS)

    def until_ms(self, about: Kept, on: date, now_ms: int, stated_ms: int | None) -> int:
        """When the exchange lets go: after the table's days, or on the submitter's own day where that is earlier."""
        own_ms = now_ms + self.days(about, on) * _DAY_MS
        return own_ms if stated_ms is None else min(own_ms, stated_ms)


NO_TABLE: Final = Retention(version="none")
