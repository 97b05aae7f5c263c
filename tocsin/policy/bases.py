"""Legal bases that reports name: from when until when each holds; a basis of no table is kept and says nothing."""

from datetime import date

from msgspec import Struct

from tocsin.policy.dates import Dated


class LegalBasis(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One basis over one period."""

    code: str
    name: str
    valid_from: date
    countries: tuple[str, ...]
    """Where it holds, by ISO 3166 code or `EU`; empty where each country has its own."""
    source: str
    confidence: str = "low"


class Bases(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The legal bases, as one versioned file."""

    version: str
    basis: tuple[LegalBasis, ...]

    def has_lapsed(self, code: str, on: date) -> bool:
        """Whether the basis is known, and none of its periods holds on that day."""
        periods = [basis for basis in self.basis if basis.code == code]
        return bool(periods) and not any(basis.in_force(on) for basis in periods)
