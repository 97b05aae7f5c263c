"""What a submitter signed off once fills what its report does not state, and every filled field says so; pure."""

from typing import Final

import msgspec

from producers.draft import ReportDraft
from schemas.records.report import Governance
from schemas.records.values import Handling, Instant, Provenance
from tocsin.policy.members import Profile

_DAY_MS: Final = 24 * 3_600_000
_TEXTS: Final = ("legal_basis", "necessity", "proportionality", "purpose", "controller")


def governance_of(draft: ReportDraft, profile: Profile, now_ms: int) -> Governance:
    """The report's own words where it has some, else the profile's; `from_profile` names which."""
    stated = draft.governance
    filled: dict[str, object] = {name: getattr(profile, name) for name in _TEXTS if not getattr(stated, name)}
    if stated.retain_until is None:
        filled["retain_until"] = Instant(epoch_ms=now_ms + profile.retention_days * _DAY_MS)
    provenance = Provenance.FROM_PROFILE if filled else Provenance.EXPLICIT
    return msgspec.structs.replace(stated, **filled, provenance=provenance, from_profile=tuple(filled))


def handling_of(draft: ReportDraft, profile: Profile) -> Handling:
    """The report's handling, or what the profile allows recipients to do."""
    return draft.handling or Handling(tlp=profile.tlp, pap=profile.pap)
