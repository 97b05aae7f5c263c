"""What the law of one jurisdiction says, as dated rows with source and confidence; starting data, not legal advice."""

from datetime import date
from enum import StrEnum

from msgspec import Struct

from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from tocsin.policy.dates import Dated, in_force


class Criminalised(StrEnum):
    """Whether a kind of material is criminalised, or another thing holds; what is not known is a value of its own."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How far a source carries."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class LegalRow(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One period of one jurisdiction's law; an unverified row can flag, and never make anything not illegal."""

    valid_from: date
    source_ref: str
    confidence: Confidence = Confidence.LOW
    verified: bool = False
    real_child: Criminalised = Criminalised.YES
    appears_child: Criminalised = Criminalised.UNKNOWN
    realistic_synthetic: Criminalised = Criminalised.UNKNOWN
    non_realistic: Criminalised = Criminalised.UNKNOWN
    text: Criminalised = Criminalised.UNKNOWN
    self_generated_peer: Criminalised = Criminalised.UNKNOWN
    age_limit: int = 18
    """Below this age a person is a child for this law."""
    age_of_consent: int | None = None
    hotline_may_view: Criminalised = Criminalised.UNKNOWN
    lea_first: Criminalised = Criminalised.UNKNOWN
    """Whether police must be asked before a host is told."""
    retention_days: int | None = None
    doubtful: tuple[str, ...] = ()
    """Columns whose value is a guess: they decide nothing."""
    verified_by: str = ""
    """The lawyer who checked the row."""
    verified_on: date | None = None
    note: str = ""


COLUMNS = ("real_child", "appears_child", "realistic_synthetic", "non_realistic", "text", "self_generated_peer")
"""What a row says of kinds of material."""


class Network(StrEnum):
    """Whether the country has a hotline in the hotlines' network; membership is data, and changes yearly."""

    INHOPE = "inhope"
    NONE = "none"
    UNKNOWN = "unknown"


class Hotline(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a country's hotline, whether or not it is a member here."""

    network: Network
    source_ref: str
    name: str = ""


class Jurisdiction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One jurisdiction: its rows, and its fall-back chain: who takes a part, in order, that its own members do not."""

    country: CountryCode
    name: str
    aliases: tuple[str, ...] = ()
    fallback: tuple[MemberId, ...] = ()
    hotline: Hotline | None = None
    legal: tuple[LegalRow, ...] = ()
    code: JurisdictionCode = JurisdictionCode("")
    """The file's name; filled in by the loader."""

    def law(self, on: date) -> LegalRow | None:
        """The row in force on that day."""
        return next(in_force(self.legal, on), None)
