"""From a decision to the referral of each recipient, narrowed to what that recipient may see; pure."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final, Self

from msgspec import Struct
from msgspec.structs import replace

from processors.decision import Decision
from processors.index.port import PriorRecipient
from processors.standing import is_restricted
from processors.steps.deduplicate import rules as deduplicate
from processors.steps.deduplicate.selectors import Keys, circumstance_keys, content_keys
from processors.steps.prioritise.rules import prioritise
from processors.steps.release import rules as release
from processors.steps.release.proofs import proven, proven_part
from processors.steps.route.canaries import is_canary
from processors.steps.route.notices import notice
from processors.steps.route.rules import Addressee
from schemas.disclosure import Audience
from schemas.records.identifiers import JurisdictionCode, MemberId, ReferralId, ReportId, referral_id_of
from schemas.records.referral import CANARY, Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.triage import Link, Priority
from schemas.records.values import Instant, Mark
from schemas.sealing import unsealed_part
from tocsin.policy.bundle import Bundle
from tocsin.policy.members import day_of
from tocsin.policy.sharing import AUDIENCES
from tocsin.runtime.keys.directory import PublicKey
from tocsin.runtime.keys.sealing import Sealer, sealed_for

WITHDRAWN: Final = "withdrawn"
CORRECTED: Final = "no_longer_concerned"
RESTRICTED: Final = "restricted"
AGAIN: Final = "decided_again"
HELD: Final = "notice.held"


class Recalled(Struct, frozen=True, kw_only=True):
    """A report that somebody has and should not keep: it was taken back, or a correction concerns others."""

    report_id: ReportId
    revision: int
    mark: Mark
    submitted_at: Instant
    now_ms: int
    change: str
    ruling: int = 0

    @classmethod
    def from_withdrawal(cls, withdrawal: Withdrawal, now_ms: int) -> Self:
        """The submitter took it back."""
        return cls(
            report_id=withdrawal.report_id,
            revision=withdrawal.revision,
            mark=withdrawal.mark,
            submitted_at=withdrawal.withdrawn_at,
            now_ms=now_ms,
            change=WITHDRAWN,
        )

    @classmethod
    def from_decision(cls, decision: Decision, ruling: int = 0) -> Self:
        """A later revision, or a ruling on this one, has other recipients, or none while it is only kept."""
        proposed, report = decision.proposed, decision.proposed.report
        return cls(
            report_id=report.report_id,
            revision=report.revision,
            mark=report.mark,
            submitted_at=report.submitted_at,
            now_ms=proposed.now_ms,
            change=RESTRICTED if is_restricted(proposed.route) else CORRECTED,
            ruling=ruling,
        )


_NARROWEST: Final = Audience.PLATFORM
"""For a member that left: a recall still reaches it, and says nothing that any class of readers may not see."""


class Desk(Struct, frozen=True, kw_only=True):
    """What every referral of this process is made with."""

    bundle: Bundle
    keys: Keys
    """Keyed digests: selectors, and per recipient its content keys."""
    personal_schema_id: int
    sealer: Sealer | None = None
    """Seals each personal part to its recipient; None where nothing is sealed."""

    def refer(self, decision: Decision, addressees: Iterable[Addressee], ruling: int = 0) -> tuple[Referral, ...]:
        """The referral of each recipient; as the report came in, or by a ruling of that number."""
        proposed = decision.proposed
        draft = self._draft(decision, ruling)
        about = release.subject(draft, proposed.report, proposed.personal, self.bundle)
        return tuple(self._refer(decision, draft, about, addressee) for addressee in addressees)

    def _refer(self, decision: Decision, draft: Referral, about: release.Subject, addressee: Addressee) -> Referral:
        full = self._full(decision, draft, addressee)
        key = self._key(decision, addressee)
        reached = _recipient(addressee, has_sealing_key=self.sealer is None or key is not None)
        released = release.release(full, about, reached, self.bundle)
        referral = proven(released.referral, decision.proposed.commitments)
        if released.personal is None:
            return referral
        reader = self.audience_of(addressee.member)
        plain = unsealed_part(released.personal, addressee.member, self.personal_schema_id, reader)
        part = proven_part(plain, referral, decision.proposed.commitments)
        return replace(referral, sealed=(sealed_for(referral, part, key) if key else part,))

    def audience_of(self, member: MemberId) -> Audience:
        """The class of readers that a member belongs to: the writer emits nothing that its ceilings hide."""
        found = self.bundle.members.get(member)
        return AUDIENCES[found.sector] if found else _NARROWEST

    def recall(self, subject: Recalled, prior: PriorRecipient) -> Referral:
        """What tells a member that a report it has is not for it any more."""
        return Referral(
            referral_id=referral_id_of(subject.report_id, subject.revision, prior.member, subject.ruling),
            report_id=subject.report_id,
            recipient=prior.member,
            jurisdiction=prior.jurisdiction,
            revision=subject.revision,
            ruling=subject.ruling,
            changes=(subject.change,),
            withdrawn=True,
            mark=subject.mark,
            submitted_at=subject.submitted_at,
            triaged_as_of=Instant(epoch_ms=subject.now_ms),
            policy=self.bundle.policy_version(),
        )

    def _draft(self, decision: Decision, ruling: int) -> Referral:
        """What the referrals of a report have in common, to nobody yet."""
        proposed, report = decision.proposed, decision.proposed.report
        return Referral(
            **dict(zip(_SHARED, _shared_values(report), strict=True)),
            referral_id=ReferralId(""),
            ruling=ruling,
            changes=(AGAIN,) if ruling else (CANARY,) if is_canary(report, self.bundle) else (),
            recipient=MemberId(""),
            jurisdiction=JurisdictionCode(""),
            triaged_as_of=Instant(epoch_ms=proposed.now_ms),
            legal_basis=report.governance.legal_basis,
            purpose=report.governance.purpose,
            controller=report.governance.controller,
            retain_until=report.governance.retain_until,
            flags=proposed.flags,
            completeness=decision.completeness,
            novelty=decision.novelties.novelty,
            corroboration=decision.novelties.corroboration,
            content_kinds=proposed.contents.kinds,
            policy=self.bundle.policy_version(),
        )

    def _full(self, decision: Decision, draft: Referral, addressee: Addressee) -> Referral:
        """Everything that could be released; `release` narrows it."""
        proposed, member = decision.proposed, addressee.member
        links = self._links(decision, member)
        return replace(
            draft,
            referral_id=referral_id_of(draft.report_id, draft.revision, member, draft.ruling),
            recipient=member,
            jurisdiction=addressee.jurisdiction,
            verdicts=tuple(v for v in proposed.verdicts if v.jurisdiction == addressee.jurisdiction),
            priority=self._priority(decision, addressee),
            flags=(*draft.flags, *self._notice(decision, addressee)),
            linked_reports=len(links),
            conflicting_reports=sum([link.conflicting for link in links]),
            content_keys=content_keys(proposed.contents, self.keys, member),
            circumstance_keys=circumstance_keys(proposed.selectors, proposed.report, proposed.gates, self.keys, member),
        )

    def _key(self, decision: Decision, addressee: Addressee) -> PublicKey | None:
        """To which key of the recipient a personal part is sealed."""
        if self.sealer is None or decision.proposed.personal is None:
            return None
        return self.sealer.key_of(addressee.member, decision.proposed.now_ms)

    def _notice(self, decision: Decision, addressee: Addressee) -> tuple[str, ...]:
        """To the host: proposed to a hotline, or held by police; a person sends it, and nobody else."""
        proposed = decision.proposed
        on = day_of(proposed.now_ms)
        found = notice(addressee, proposed.evidence, proposed.verdicts, self.bundle, on)
        return () if not found else (HELD,) if proposed.held else (found,)

    def _priority(self, decision: Decision, addressee: Addressee) -> Priority:
        """As the recipient weighs it, and from its own country; everybody's where neither makes a difference."""
        rules = self.bundle.priority_for(addressee.member)
        anchors = decision.facts.anchors
        if rules is self.bundle.priority and (not anchors or addressee.country in anchors):
            return decision.priority
        return prioritise(replace(decision.facts, reader_country=addressee.country), rules)

    def _links(self, decision: Decision, recipient: MemberId) -> list[Link]:
        """Those that the recipient wants to hear of."""
        near_distance = self.bundle.members[recipient].near_distance
        return list(deduplicate.linked_within(decision.novelties.links, near_distance))


_SHARED = tuple(
    name for name in ReportSubmitted.__struct_fields__ if name in Referral.__struct_fields__ and name != "sealed"
)
"""Fields that a referral takes over by name; a test compares the rest."""


_shared_values: Final = attrgetter(*_SHARED)


def _recipient(addressee: Addressee, *, has_sealing_key: bool) -> release.Recipient:
    return release.Recipient(
        member=addressee.member,
        jurisdiction=addressee.jurisdiction,
        country=addressee.country,
        sector=addressee.sector,
        has_sealing_key=has_sealing_key,
    )
