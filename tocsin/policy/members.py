"""Who takes part: members with what they do, and the profiles that they signed off."""

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from schemas.records.identifiers import CountryCode, JurisdictionCode, MemberId
from schemas.topics import MemberTopics
from tocsin.policy.dates import Dated


class Sector(StrEnum):
    """What kind of party a member is; sharing agreements speak of sectors."""

    HOTLINE = "hotline"
    LEA = "lea"
    PLATFORM = "platform"
    NGO = "ngo"
    INTERNATIONAL = "international"


POLICE: Final = frozenset({Sector.LEA, Sector.INTERNATIONAL})
"""Who investigates, and may stand in for police."""


class Standing(StrEnum):
    """Whether a member takes part at the moment; suspension stops the next record."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class DuplicateAgreement(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a member signed about content that it certainly has: deliver, bundle per period, or count."""

    known_content: str = "deliver"
    bundle_period_hours: int = 24
    selectors: tuple[str, ...] = ("url", "sha256", "sha512")
    """What it recognises content by; content with none of these is delivered."""
    window_hours: int | None = None
    """How long content counts as known; None for as long as the member keeps it."""


class Member(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One party of the exchange; `owner` marks the one hotline that gets what concerns a country with several."""

    name: str
    country: CountryCode
    jurisdiction: JurisdictionCode
    sector: Sector
    submits: bool = False
    receives: bool = False
    owner: bool = True
    stand_in: MemberId | None = None
    mandate: tuple[str, ...] = ()
    """`orphan`: takes reports of countries without a hotline."""
    agreement: DuplicateAgreement = DuplicateAgreement()
    signs: bool = False
    """Whether it has agreed to sign what it sends: then what is not signed is refused."""
    seals: bool = False
    """Whether it has agreed to seal personal parts for triage: then what is not sealed is refused."""
    canary: bool = False
    """Whether it publishes canaries for the operator: tests, each for the one member that it names (ADR 0043)."""
    dead_letter_limit_per_hour: int = 1000
    near_distance: int = 31
    """Perceptual hashes farther apart than this are no link for the member; bits of 256, at most 31."""
    standing: Standing = Standing.ACTIVE
    valid_from: date = date(2026, 1, 1)
    duty_contact: str = ""
    """Whom to reach about an urgent referral within the duty hours."""
    out_of_band: str = ""
    """A way to reach somebody that does not run over this exchange: to compare fingerprints, and outside duty hours."""
    time_zone: str = "UTC"
    """Of the duty hours and holidays, as the time zone database names it."""
    duty_hours: tuple[str, ...] = ()
    """When somebody is there, as `mon-fri 08:00-18:00`; none means at any time."""
    holidays: tuple[date, ...] = ()
    organisation: str = ""
    """Whose the member is, where one organisation runs several; agreements may speak of sharing inside it."""
    id: MemberId = MemberId("")
    """Its key in members.toml; filled in by the loader."""

    @property
    def belongs_to(self) -> str:
        """Its organisation; a member that names none is one of its own."""
        return self.organisation or self.id

    def takes_part(self, on: date) -> bool:
        """Whether the member is active on that day."""
        return self.in_force(on) and self.standing is Standing.ACTIVE

    def topics(self) -> MemberTopics:
        """What the topic table needs to know."""
        return MemberTopics(
            member_id=self.id, jurisdiction=self.jurisdiction, submits=self.submits, receives=self.receives
        )


class Profile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a submitter signed off once, for formats that cannot say it per report."""

    legal_basis: str
    necessity: str
    proportionality: str
    purpose: str
    controller: str
    retention_days: int
    signed_off_by: str
    signed_off_on: date
    utc_offset_minutes: int | None = None
    """For times without a zone; None refuses them."""
    tlp: str = "AMBER"
    pap: str = "AMBER"


def day_of(epoch_ms: int) -> date:
    """The UTC day of an instant: validity of members, rows and bundles is by day."""
    return _day(epoch_ms // _DAY_MS)


@lru_cache(maxsize=1_000)
def _day(number: int) -> date:
    """One object for all that is of one day: its hash, of which each question to the policy has one, is kept in it."""
    return date.fromordinal(_FIRST_DAY + number)


_DAY_MS: Final = 86_400_000
_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
