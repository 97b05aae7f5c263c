"""What the policy bundle says of the member that takes delivery: its jurisdiction and its duplicate agreement."""

from msgspec import Struct

from consumers.agreement import Agreement
from schemas.records.identifiers import JurisdictionCode, MemberId


class Membership(Struct, frozen=True, kw_only=True):
    """One member as its delivery process knows it."""

    member: MemberId
    jurisdiction: JurisdictionCode
    agreement: Agreement = Agreement()
