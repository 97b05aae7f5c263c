"""From a decision to the referral of each recipient, narrowed to what that recipient may see; pure."""

from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from processors.decision import Decision
from processors.index.port import PriorRecipient
from processors.steps.deduplicate import rules as deduplicate
from processors.steps.release import rules as release
from processors.steps.route.rules import Addressee
from schemas.records.identifiers import ReportId, referral_id_of
from schemas.records.referral import Referral
from schemas.records.report import ReportSubmitted, Withdrawal
from schemas.records.values import Instant, SealedPart
from schemas.sealing import unsealed_part
from tocsin.policy.bundle import Bundle


class Desk(Struct, frozen=True, kw_only=True):
    """What every referral of this process is made with."""

    bundle: Bundle
    key: bytes
    """Keyed digests: selectors, and per recipient its content keys."""
    personal_schema_id: int

    def refer(self, decision: Decision, addressee: Addressee) -> Referral:
        """The referral of one recipient."""
        proposed = decision.proposed
        released = release.release(
            self._full(decision, addressee), proposed.report, proposed.personal, _recipient(addressee), self.bundle
        )
        if released.personal is None:
            return released.referral
        return _with_sealed(
            released.referral, unsealed_part(released.personal, addressee.member, self.personal_schema_id)
        )

    def recall(self, withdrawal: Withdrawal, prior: PriorRecipient, now_ms: int) -> Referral:
        """What tells a member that a report it has was taken back."""
        return Referral(
            referral_id=referral_id_of(withdrawal.report_id, withdrawal.revision, prior.member),
            report_id=withdrawal.report_id,
            recipient=prior.member,
            jurisdiction=prior.jurisdiction,
            revision=withdrawal.revision,
            changes=("withdrawn",),
            withdrawn=True,
            mark=withdrawal.mark,
            submitted_at=withdrawal.withdrawn_at,
            triaged_as_of=Instant(epoch_ms=now_ms),
            policy=self.bundle.policy_version(),
        )

    def _full(self, decision: Decision, addressee: Addressee) -> Referral:
        """Everything that could be released; `release` narrows it."""
        proposed, report = decision.proposed, decision.proposed.report
        return Referral(
            **_same_fields(report),
            referral_id=referral_id_of(ReportId(report.report_id), report.revision, addressee.member),
            recipient=addressee.member,
            jurisdiction=addressee.jurisdiction,
            triaged_as_of=Instant(epoch_ms=proposed.now_ms),
            legal_basis=report.governance.legal_basis,
            purpose=report.governance.purpose,
            controller=report.governance.controller,
            retain_until=report.governance.retain_until,
            verdicts=tuple(v for v in proposed.verdicts if v.jurisdiction == addressee.jurisdiction),
            priority=decision.priority,
            completeness=decision.completeness,
            novelty=decision.novelties.novelty,
            corroboration=decision.novelties.corroboration,
            linked_reports=len(decision.novelties.links),
            content_keys=deduplicate.content_keys(proposed.selectors, self.key, addressee.member),
            circumstance_keys=deduplicate.circumstance_keys(
                proposed.selectors, report, proposed.gates, self.key, addressee.member
            ),
            policy=self.bundle.policy_version(),
        )


_SHARED = tuple(
    name for name in ReportSubmitted.__struct_fields__ if name in Referral.__struct_fields__ and name != "sealed"
)
"""Fields that a referral takes over by name; a test compares the rest."""


def _same_fields(report: ReportSubmitted) -> dict[str, Any]:
    return {name: getattr(report, name) for name in _SHARED}


def _recipient(addressee: Addressee) -> release.Recipient:
    return release.Recipient(
        member=addressee.member,
        jurisdiction=addressee.jurisdiction,
        country=addressee.country,
        sector=addressee.sector,
    )


def _with_sealed(referral: Referral, part: SealedPart) -> Referral:
    return replace(referral, sealed=(part,))
