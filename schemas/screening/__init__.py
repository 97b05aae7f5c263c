"""The firewall's detectors, pure: encoded media, data URIs, archives, oversize and control characters in any field."""

from schemas.screening.findings import Finding
from schemas.screening.records import Screened, screen
from schemas.screening.text import rule_of_text
from schemas.screening.undecoded import scan_bytes

__all__ = ["Finding", "Screened", "rule_of_text", "scan_bytes", "screen"]
