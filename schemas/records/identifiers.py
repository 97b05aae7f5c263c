"""Ids of their own types, and how the deterministic ones are derived."""

from hashlib import sha1
from typing import Final, NewType
from uuid import UUID

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
    return ReportId(_named("report", member, submitter_reference))


def referral_id_of(report: ReportId, revision: int, recipient: MemberId, ruling: int = 0) -> ReferralId:
    """The id of one referral: a replay or a resend can never become a second referral, another ruling does."""
    return ReferralId(_named("referral", report, str(revision), recipient, *([str(ruling)] if ruling else [])))


def ruling_id_of(report: ReportId, revision: int, occasion: str) -> str:
    """The id of a ruling: one occasion rules once on a revision, however often it is repeated."""
    return _named("ruling", report, str(revision), occasion)


def _named(*parts: str) -> str:
    return name_based_uuid(_NAMESPACE, _SEPARATOR.join(parts))


def name_based_uuid(namespace: UUID, name: str) -> str:
    """What `str(uuid.uuid5(namespace, name))` says (RFC 9562, section 5.5), in a third of its time."""
    found = sha1(namespace.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[int(found[16], 16) & 3]
    return f"{found[:8]}-{found[8:12]}-5{found[13:16]}-{variant}{found[17:20]}-{found[20:32]}"


_VARIANTS: Final = "89ab"
