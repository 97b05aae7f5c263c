"""What the log says: statements that stay here, and leaves that commit to them and give nothing away."""

import hmac
from typing import Final

import msgspec
from msgspec import Struct

from schemas.looking import TOGETHER
from schemas.records.identifiers import JurisdictionCode, KeyId, MemberId, ReferralId, ReportId
from schemas.records.values import Coordinate

NONCE_BYTES: Final = 16
FORMAT: Final = "tocsin-audit/1"


class Disclosure(Struct, frozen=True, kw_only=True, tag_field="is", tag="disclosure", omit_defaults=True):
    """One referral that a member was given, and what was in it."""

    report: ReportId
    revision: int
    ruling: int = 0
    referral: ReferralId
    recipient: MemberId
    jurisdiction: JurisdictionCode
    mark: str
    recall: bool = False
    """It only takes back an earlier one."""
    fields: tuple[str, ...] = ()
    """That had a content; the names are those of `Referral`."""
    withheld: tuple[str, ...] = ()
    """The rules that kept something back."""
    sealed_to: tuple[KeyId, ...] = ()
    """The keys that open its personal parts."""
    policy: str = ""
    """Digest of the bundle that decided."""
    landed: str
    """Topic, partition and offset."""
    sha256: str
    """Of the record as it was produced."""


class Decision(Struct, frozen=True, kw_only=True, tag_field="is", tag="decision", omit_defaults=True):
    """What was decided on one revision of one report."""

    report: ReportId
    revision: int
    ruling: int = 0
    outcome: str
    tier: str
    mark: str
    policy: str = ""
    landed: str
    sha256: str


class Refusal(Struct, frozen=True, kw_only=True, tag_field="is", tag="refusal", omit_defaults=True):
    """A record that was not taken."""

    member: MemberId
    code: str
    landed: str
    sha256: str
    report: ReportId = ReportId("")
    """Where the record could be read."""


class Span(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Between which instants lies what somebody asked to be shown, in UTC milliseconds; None is no end.

    Of a member's referrals; where the look names no member, of all that submitters sent.
    """

    since_ms: int | None = None
    until_ms: int | None = None


class Reading(Struct, frozen=True, kw_only=True, tag_field="is", tag="reading", omit_defaults=True):
    """A person looked at something."""

    person: str
    purpose: str
    command: str
    """As it is typed: `queue take`."""
    what: str
    """What was asked for."""
    report: ReportId = ReportId("")
    referral: ReferralId = ReferralId("")
    member: MemberId = MemberId("")
    """Whose records they are."""
    span: Span | None = None
    """Where no single report was asked for, and whatever lies in it was shown."""


class Act(Struct, frozen=True, kw_only=True, tag_field="is", tag="act", omit_defaults=True):
    """A person did what nothing takes back, or two did."""

    person: str
    """Two people who did it together are named as one: `anna and ben`."""
    reason: str
    command: str
    """As it is typed: `dlq drop`."""
    what: str
    """What was done, to what."""
    member: MemberId = MemberId("")
    """Whose records they are."""
    report: ReportId = ReportId("")


def landed_at(place: Coordinate) -> str:
    """How a statement says where its record lies."""
    return f"{place.topic}/{place.partition}/{place.offset}"


def people_of(statement: Reading | Act) -> tuple[str, ...]:
    """Each by name."""
    return tuple(statement.person.split(TOGETHER))


Statement = Disclosure | Decision | Refusal | Reading | Act

_KINDS: Final = {
    kind: str(kind.__struct_config__.tag).encode() for kind in (Disclosure, Decision, Refusal, Reading, Act)
}
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Statement)


class Fact(Struct, frozen=True, kw_only=True):
    """A statement, the time it is about, and the record that it comes from."""

    statement: Statement
    at_ms: int
    log_offset: int = -1
    """-1 where it comes from no record."""


def encoded(statement: Statement) -> bytes:
    """One line, always the same."""
    return _ENCODER.encode(statement)


def decoded(written: bytes) -> Statement:
    """Read that line; raises msgspec.MsgspecError where it is none."""
    statement: Statement = _DECODER.decode(written)
    return statement


def leaf_of(fact: Fact, written: bytes, nonce: bytes) -> bytes:
    """The leaf: its kind, its time, and a commitment that only the nonce opens."""
    return b"%s %s %d %s" % (
        FORMAT.encode(),
        _KINDS[type(fact.statement)],
        fact.at_ms,
        commitment(written, nonce).hex().encode(),
    )


def commitment(written: bytes, nonce: bytes) -> bytes:
    """HMAC-SHA256: without the nonce nobody can test a guess, and with it nobody can open it as anything else."""
    return hmac.digest(nonce, written, "sha256")


def opens(leaf: bytes, written: bytes, nonce: bytes) -> bool:
    """Whether a leaf commits to that line."""
    kind = leaf.split(b" ")
    return len(nonce) == NONCE_BYTES and kind[-1] == commitment(written, nonce).hex().encode()
