"""Sharing agreements: who may see which groups of fields of whose reports, per label; what nobody allows is denied."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from schemas.disclosure import Audience
from tocsin.policy.dates import Dated
from tocsin.policy.members import Sector

NO_HANDLING_CODE: Final = "none"
"""How a table names a report without a police handling code."""

AUDIENCES: Final[Mapping[Sector, Audience]] = {
    Sector.HOTLINE: Audience.HOTLINE,
    Sector.NGO: Audience.HOTLINE,
    Sector.LEA: Audience.LEA,
    Sector.INTERNATIONAL: Audience.INTERNATIONAL,
    Sector.PLATFORM: Audience.PLATFORM,
}
"""The class of recipients that each sector belongs to: what the ceilings of the published schema speak of."""


class Organisations(StrEnum):
    """Whether a row is about sharing inside one organisation or between two."""

    ANY = "any"
    SAME = "same"
    OTHER = "other"


class Agreement(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one sector may see of another's reports; a key that is left out asks nothing, a list names what is meant."""

    rule: str
    """What a decision names it by."""
    submitter_sectors: tuple[str, ...]
    recipient_sectors: tuple[str, ...]
    allow: tuple[str, ...]
    """Groups of fields: tocsin/policy/words.py lists them."""
    organisations: str = Organisations.ANY.value
    labels: tuple[str, ...] | None = None
    """Only what carries one of these: `scheme:label`, or a word of the neutral vocabulary."""
    deny_labels: tuple[str, ...] = ()
    """Not what carries one of these; another agreement may still allow it."""
    purposes: tuple[str, ...] | None = None
    tlp: tuple[str, ...] = ("CLEAR", "GREEN", "AMBER", "AMBER+STRICT")
    pap: tuple[str, ...] = ("CLEAR", "GREEN", "AMBER")
    handling_codes: tuple[str, ...] = (NO_HANDLING_CODE, "H0")


class Prohibition(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What nobody may see whatever an agreement allows; a key that is left out means all of them."""

    rule: str
    """What a recipient reads where a field is withheld."""
    forbid: tuple[str, ...] | None = None
    submitter_sectors: tuple[str, ...] | None = None
    recipient_sectors: tuple[str, ...] | None = None
    organisations: str = Organisations.ANY.value
    labels: tuple[str, ...] | None = None
    purposes: tuple[str, ...] | None = None
    tlp: tuple[str, ...] | None = None
    pap: tuple[str, ...] | None = None
    handling_codes: tuple[str, ...] | None = None


class AnswerAgreement(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a submitter is told of a recipient's answer, beside that there is one."""

    rule: str
    recipient_sectors: tuple[str, ...]
    """Who answers."""
    submitter_sectors: tuple[str, ...]
    """Who is told."""
    allow: tuple[str, ...]
    """Parts of a status: tocsin/policy/words.py lists them."""
    organisations: str = Organisations.ANY.value


class TransferBasis(Dated, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why personal data may go from one country to another; a pair without a basis gets none."""

    source: tuple[str, ...]
    destination: tuple[str, ...]
    basis: str


class Sharing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The sharing agreements, as one versioned file; a prohibition wins, and what is not allowed is denied."""

    version: str
    agreement: tuple[Agreement, ...]
    transfer: tuple[TransferBasis, ...]
    prohibition: tuple[Prohibition, ...] = ()
    answer: tuple[AnswerAgreement, ...] = ()
