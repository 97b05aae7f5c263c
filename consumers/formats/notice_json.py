"""A notice as JSON, whatever format a sink's referrals have: what changed about which referral, in words."""

from typing import Any

import msgspec

from consumers.formats.referral_json import VERSION, iso_utc
from consumers.letters import Document, Letter
from schemas.catalogue import message
from schemas.records.answers import Status


def write(letter: Letter) -> Document:
    """One object a letter: `type` is `notice`; nobody answers it."""
    notices = [notice_object(notice) for notice in letter.notices]
    content = msgspec.json.encode({"version": VERSION, "type": "notice", "notice": notices[0]})
    return Document(
        suffix=".notice.json", media_type="application/json", body=msgspec.json.format(content, indent=1) + b"\n"
    )


def notice_object(status: Status) -> dict[str, Any]:
    """What a system needs to find the referral, and what a person reads."""
    return {
        "notice_id": status.status_id,
        "referral_id": status.referral_id,
        "report_id": status.report_id,
        "revision": status.revision,
        "mark": status.mark,
        "at": iso_utc(status.at.epoch_ms),
        "code": status.code,
        "message": message(status.code),
    }
