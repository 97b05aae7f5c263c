"""Ids of their own types, and how the deterministic ones are derived."""

from typing import NewType
from uuid import UUID, uuid5

ReportId = NewType("ReportId", str)
ReferralId = NewType("ReferralId", str)
ContentId = NewType("ContentId", str)
MemberId = NewType("MemberId", str)
CountryCode = NewType("CountryCode", str)
"""ISO 3166-1 alpha-2, upper case; GB and GR are canonical, UK and EL are aliases of the policy bundle."""
JurisdictionCode = NewType("JurisdictionCode", str)
"""Lower-case country code, or `xi` for the international police bureau."""
KeyId = NewType("KeyId", str)
"""First 16 hexadecimal digits of the SHA-256 of a public key and its use; a name for it, never a proof."""

_NAMESPACE = UUID("6f0c1d52-5c2b-5d0e-9a53-7f3b1f6c7a11")
_SEPARATOR = "\x1f"
"""A control character that the firewall refuses in every id, so two different pairs never join to one text."""


def report_id_of(member: MemberId, submitter_reference: str) -> ReportId:
    """The id of a report: the same member and reference give the same id on every machine, for ever."""
    return ReportId(str(uuid5(_NAMESPACE, _SEPARATOR.join(("report", member, submitter_reference)))))


def referral_id_of(report: ReportId, revision: int, recipient: MemberId, ruling: int = 0) -> ReferralId:
    """The id of one referral: a replay or a resend can never become a second referral, another ruling does."""
    named = ("referral", report, str(revision), recipient, *([str(ruling)] if ruling else []))
    return ReferralId(str(uuid5(_NAMESPACE, _SEPARATOR.join(named))))


def ruling_id_of(report: ReportId, revision: int, occasion: str) -> str:
    """The id of a ruling: one occasion rules once on a revision, however often it is repeated."""
    return str(uuid5(_NAMESPACE, _SEPARATOR.join(("ruling", report, str(revision), occasion))))
