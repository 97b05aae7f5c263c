"""The same detectors over bytes that no schema decodes, before they are copied anywhere."""

import re
from typing import Final

from schemas.codec import MAX_RECORD_BYTES
from schemas.screening.findings import Finding, finding_in_bytes
from schemas.screening.magic import rule_of_bytes
from schemas.screening.text import rule_of_text

OVERSIZE: Final = "firewall.oversize"
_TEXT_RUN: Final = re.compile(rb"[\t\r\n -~]{24,}")


def scan_bytes(data: bytes) -> Finding | None:
    """The first rule that raw bytes break, with the digest of the whole; None where they may be copied."""
    rule = OVERSIZE if len(data) > MAX_RECORD_BYTES else rule_of_bytes(data) or _rule_of_text_inside(data)
    return finding_in_bytes("", rule, data) if rule is not None else None


def _rule_of_text_inside(data: bytes) -> str | None:
    runs = (found.group().decode("ascii") for found in _TEXT_RUN.finditer(data))
    return next((rule for run in runs if (rule := rule_of_text(run, lines_allowed=True)) is not None), None)
