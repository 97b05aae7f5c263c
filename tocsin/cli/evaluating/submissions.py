"""From the JSON of a case to what its submitter would publish: the jsonl feed's objects, with who submits them."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from processors.evaluation.running import Submission
from producers.building import Submitter, checked, report_of
from producers.feeds.entries import Context, Rejection
from producers.feeds.jsonl.reader import entry_of_object
from schemas.failures import Refused
from schemas.records.identifiers import MemberId, report_id_of
from schemas.records.report import PersonalPart, Withdrawal
from schemas.records.values import Instant
from tocsin.policy.bundle import Bundle
from tocsin.runtime.registry import FixedDirectory

SUBMITTER: Final = "submitter"
WITHDRAW: Final = "withdraw"
_UNKNOWN_KEY: Final = "field.unknown"
_WITHDRAWAL_KEYS: Final = frozenset({SUBMITTER, WITHDRAW, "revision", "reason_code"})


def submission_of(written: Mapping[str, Any], bundle: Bundle, now_ms: int) -> Submission:
    """What would be published at that instant, or the code of why not; raises Refused for a case that is none."""
    member = _submitter(written, bundle)
    if WITHDRAW in written:
        return Submission(record=_withdrawal(written, member, now_ms))
    profile = bundle.profiles[member]
    content = {key: value for key, value in written.items() if key != SUBMITTER}
    entry = entry_of_object(content, Context(now_ms=now_ms, utc_offset_minutes=profile.utc_offset_minutes))
    found = checked(entry)
    if isinstance(found, Rejection):
        _require_known_keys(found)
        return Submission(record=None, code=found.problems[0].code)
    personal_id = FixedDirectory().id_of(PersonalPart)
    publisher = Submitter(member=member, profile=profile, personal_schema_id=personal_id)
    removed = tuple(f"{notice.field}:{notice.code}" for notice in found.notices)
    return Submission(record=report_of(found.draft, publisher, now_ms), removed=removed)


def _submitter(written: Mapping[str, Any], bundle: Bundle) -> MemberId:
    """Who submits: as the case says, else the first member of the policy that does."""
    able = sorted(member.id for member in bundle.members.values() if member.submits and not member.canary)
    named = written.get(SUBMITTER, able[0] if able else "")
    if named not in able:
        raise _wrong(f"a submitter of the policy: {', '.join(able)}", repr(named))
    return MemberId(named)


def _require_known_keys(rejection: Rejection) -> None:
    """A key that no report has is a mistake of the case: what it expects would be found for the wrong reason."""
    unknown = next((one.field for one in rejection.problems if one.code == _UNKNOWN_KEY), None)
    if unknown is not None:
        raise _wrong("keys that tocsin template json explains", repr(unknown))


def _withdrawal(written: Mapping[str, Any], member: MemberId, now_ms: int) -> Withdrawal:
    if unknown := sorted(written.keys() - _WITHDRAWAL_KEYS):
        raise _wrong(f"the keys {', '.join(sorted(_WITHDRAWAL_KEYS))}", repr(unknown[0]))
    try:
        reference = msgspec.convert(written[WITHDRAW], str)
        revision = msgspec.convert(written.get("revision", 2), int)
        reason = msgspec.convert(written.get("reason_code", "submitted_in_error"), str)
    except msgspec.ValidationError as error:
        raise _wrong("a withdrawal of a reference, with revision and reason_code", str(error)) from error
    return Withdrawal(
        report_id=report_id_of(member, reference),
        submitter=member,
        submitter_reference=reference,
        revision=revision,
        withdrawn_at=Instant(epoch_ms=now_ms),
        reason_code=reason,
    )


def _wrong(expected: str, found: str) -> Refused:
    return Refused(f"A report of a case: expected {expected}, found {found}. Correct it.", code="evaluate.case")
