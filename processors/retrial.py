"""A past record decided once more under any bundle, with the novelty that was recorded: nothing is claimed; pure."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Final

from msgspec import Struct
from msgspec.structs import fields

from processors.again import with_people
from processors.decision import Decision, Naming, conclude_as, propose
from processors.intake import Accepted, Door, Rejected
from processors.referring import Desk
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.rules import Novelties
from processors.steps.deduplicate.selectors import Keys
from schemas.records.identifiers import MemberId
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted
from schemas.records.ruling import Ruling
from schemas.records.triage import ItemVerdict, ReportTriaged
from schemas.records.values import Novelty
from tocsin.policy.bundle import Bundle
from tocsin.runtime.keys.sealing import Opener
from tocsin.runtime.registry import RecordCodec
from tocsin.runtime.transport.slices import RawRecord

_NAMING: Final = Naming(keys=Keys(digest=(bytes(32),), recipient=bytes(32)), veil=Veil(bytes(32)))
"""What is recognised was recorded: no secret is needed, and none is used."""
_OF_THE_DECISION: Final = frozenset(
    {"referral_id", "revision", "ruling", "changes", "triaged_as_of", "policy", "withheld", "withdrawn"}
)
"""Fields of a referral that say when and how it was made, and nothing of the report."""


class Held(Struct, frozen=True, kw_only=True, dict=True):
    """What one member has, or would have."""

    referral: Referral

    @cached_property
    def shown(self) -> frozenset[str]:
        """The fields in which it reads something."""
        return frozenset(
            field.name
            for field in fields(Referral)
            if field.name not in _OF_THE_DECISION and getattr(self.referral, field.name) != field.default
        )

    @cached_property
    def withheld(self) -> frozenset[str]:
        """The paths that it does not see, inside items and the personal part too."""
        return frozenset(one.path for one in self.referral.withheld)

    def sees_as(self, other: "Held") -> bool:
        """Whether both show the same fields."""
        return self.shown == other.shown and self.withheld == other.withheld


class Verdict(Struct, frozen=True, kw_only=True):
    """What one bundle decides on one record."""

    refused: str = ""
    """The code, where the record would not go on."""
    outcome: str = ""
    tier: str = ""
    verdicts: Mapping[str, str] = {}
    """By item and jurisdiction."""
    held: Mapping[MemberId, Held] = {}


class Court(Struct, frozen=True, kw_only=True):
    """Decides under one bundle; built once for many records."""

    bundle: Bundle
    codec: RecordCodec
    personal_schema_id: int
    opener: Opener | None = None
    """Opens what is sealed to triage, where whoever decides again is given its keys."""

    def admit(self, raw: RawRecord, member: MemberId) -> Accepted | Rejected:
        """As triage would: what is checked, is checked by this bundle."""
        return self._door(member).admit(raw)

    def readmit(self, raw: RawRecord, member: MemberId) -> Accepted | Rejected:
        """A record that was accepted once, whoever takes part by now."""
        return self._door(member).readmit(raw)

    def decide(
        self, accepted: Accepted, recorded: ReportTriaged | None, now_ms: int, ruling: Ruling | None = None
    ) -> Verdict:
        """With what was recorded of other reports; without a record of it, that is unknown."""
        proposed = propose(accepted, self.bundle, _NAMING, now_ms)
        if ruling is not None:
            proposed = with_people(proposed, ruling, self.bundle)
        decision = conclude_as(proposed, recorded_novelties(recorded), self.bundle)
        return Verdict(
            outcome=decision.outcome.name.lower(),
            tier=decision.priority.tier,
            verdicts={f"{one.content_id} {one.jurisdiction}".strip(): _told(one) for one in proposed.verdicts},
            held={made.recipient: Held(referral=made) for made in self._referrals(decision)},
        )

    def judge(self, raw: RawRecord, member: MemberId, recorded: ReportTriaged | None) -> Verdict | None:
        """From the bytes to the verdict, at the record's own time; None for a withdrawal, which no rule decides."""
        admitted = self.admit(raw, member)
        if isinstance(admitted, Rejected):
            return Verdict(refused=admitted.code)
        if not isinstance(admitted.report, ReportSubmitted):
            return None
        return self.decide(admitted, recorded, raw.timestamp_ms)

    def _referrals(self, decision: Decision) -> tuple[Referral, ...]:
        desk = Desk(bundle=self.bundle, keys=_NAMING.keys, personal_schema_id=self.personal_schema_id)
        return desk.refer(decision, decision.proposed.route.recipients)

    def _door(self, member: MemberId) -> Door:
        return Door(member=member, bundle=self.bundle, codec=self.codec, opener=self.opener)


def recorded_novelties(recorded: ReportTriaged | None) -> Novelties:
    """What the index said when the record came in."""
    if recorded is None:
        return Novelties(novelty=Novelty.UNKNOWN, corroboration=0, links=())
    return Novelties(
        novelty=recorded.novelty,
        corroboration=recorded.corroboration,
        links=recorded.links,
        known_account=recorded.known_account,
    )


class Difference(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What another bundle decides otherwise on one record; empty where nothing is."""

    refused: tuple[str, str] | None = None
    """Code before and after; nothing where it goes on."""
    outcome: tuple[str, str] | None = None
    tier: tuple[str, str] | None = None
    verdicts: Mapping[str, tuple[str, str]] = {}
    gains: tuple[MemberId, ...] = ()
    loses: tuple[MemberId, ...] = ()
    fields: Mapping[MemberId, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    """By member: what it sees more, what it sees no more."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """What differs, as the names of the parts."""
        return tuple(name for name in _KINDS if any(getattr(self, part) for part in _KINDS[name]))

    @property
    def concerns_members(self) -> bool:
        """Whether somebody has what it should not, or has not what it should."""
        return bool(self.gains or self.loses or self.fields)


_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "refused": ("refused",),
    "outcome": ("outcome",),
    "tier": ("tier",),
    "verdict": ("verdicts",),
    "members": ("gains", "loses"),
    "fields": ("fields",),
}
KINDS: Final = tuple(_KINDS)


def _told(found: ItemVerdict) -> str:
    """That a lawyer has checked the law since is a difference too."""
    return found.verdict if found.verified else f"{found.verdict} (unverified law)"


def difference(before: Verdict, after: Verdict) -> Difference:
    """Hold two verdicts on the same record against each other."""
    return Difference(
        refused=_pair(before.refused, after.refused),
        outcome=_pair(before.outcome, after.outcome) if not (before.refused or after.refused) else None,
        tier=_pair(before.tier, after.tier) if before.tier and after.tier else None,
        verdicts=_otherwise(before.verdicts, after.verdicts) if not (before.refused or after.refused) else {},
        gains=tuple(sorted(after.held.keys() - before.held.keys())),
        loses=tuple(sorted(before.held.keys() - after.held.keys())),
        fields={
            name: _fields(before.held[name], after.held[name])
            for name in sorted(before.held.keys() & after.held.keys())
            if not before.held[name].sees_as(after.held[name])
        },
    )


def _fields(before: Held, after: Held) -> tuple[tuple[str, ...], tuple[str, ...]]:
    more = (after.shown - before.shown) | (before.withheld - after.withheld)
    less = (before.shown - after.shown) | (after.withheld - before.withheld)
    return tuple(sorted(more)), tuple(sorted(less))


def _otherwise(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names: Iterable[str] = sorted(before.keys() | after.keys())
    pairs = {name: (before.get(name, "none"), after.get(name, "none")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _pair(before: str, after: str) -> tuple[str, str] | None:
    return (before, after) if before != after else None
