"""CSV for people: a row an item; no cell is a formula, and no address can be followed by a click."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from typing import Final

from consumers.formats.referral_json import iso_utc
from consumers.letters import Document, Letter
from schemas.catalogue import message
from schemas.records.identifiers import CountryCode
from schemas.records.referral import Referral
from schemas.records.report import ContentItem
from schemas.records.triage import UNVERIFIED_NATIONAL, ItemVerdict
from schemas.records.values import Instant

_FORMULA: Final = re.compile(
    r"[\s\x00-\x1f\x7f-\xa0\u200b-\u200f\u2060\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|[\t\r\n]"
)
"""What makes a spreadsheet calculate, in ASCII and in full width, also behind signs that nobody sees."""
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.\[\]-]*)://", re.IGNORECASE)

_Column = Callable[[Referral, ContentItem], str]


def _time(instant: Instant | None) -> str:
    return iso_utc(instant.epoch_ms) if instant else ""


def _hosting_country(referral: Referral, item: ContentItem) -> CountryCode:
    page = referral.source_url.hosting if referral.source_url else None
    hosting = item.hosting or page
    return hosting.country if hosting else CountryCode("")


def _verdicts(referral: Referral, item: ContentItem) -> str:
    """What nobody has checked is marked beside each verdict, as wherever it is shown."""
    return "; ".join(
        f"{verdict.jurisdiction}:{verdict.verdict.lower()}{_law_of(verdict)}"
        for verdict in referral.verdicts
        if verdict.content_id == item.content_id
    )


def _law_of(verdict: ItemVerdict) -> str:
    if UNVERIFIED_NATIONAL in verdict.rules:
        return " (national by unverified law)"
    return "" if verdict.verified else " (unverified law)"


COLUMNS: Final[dict[str, _Column]] = {
    "referral_id": lambda referral, _: referral.referral_id,
    "report_id": lambda referral, _: referral.report_id,
    "revision": lambda referral, _: str(referral.revision),
    "withdrawn": lambda referral, _: "yes" if referral.withdrawn else "",
    "mark": lambda referral, _: referral.mark.lower(),
    "tier": lambda referral, _: referral.priority.tier.lower(),
    "deadline": lambda referral, _: _time(referral.priority.deadline),
    "reasons": lambda referral, _: "; ".join(referral.priority.reasons),
    "advice": lambda _, __: message("tiers.advise"),
    "submitter": lambda referral, _: referral.submitter,
    "submitter_reference": lambda referral, _: referral.submitter_reference,
    "submitted_at": lambda referral, _: _time(referral.submitted_at),
    "incident_at": lambda referral, _: _time(referral.incident_at),
    "incident_types": lambda referral, _: "; ".join(referral.incident_types),
    "platform": lambda referral, _: referral.platform,
    "source_url": lambda referral, _: defanged(referral.source_url.url if referral.source_url else ""),
    "content_id": lambda _, item: item.content_id,
    "content_url": lambda _, item: defanged(item.url),
    "hosting_country": _hosting_country,
    "hashes": lambda _, item: "; ".join(f"{digest.algorithm}:{digest.value}" for digest in item.hashes),
    "labels": lambda _, item: "; ".join(f"{label.scheme}:{label.label}" for label in item.labels),
    "verdicts": _verdicts,
    "to_know": lambda referral, _: " ".join(message(flag) for flag in referral.flags),
    "apparent_age_band": lambda _, item: item.apparent_age_band,
    "novelty": lambda referral, _: referral.novelty.lower(),
    "corroboration": lambda referral, _: str(referral.corroboration),
    "linked_reports": lambda referral, _: str(referral.linked_reports),
    "content_differs": lambda referral, _: differing(referral),
    "missing": lambda referral, _: "; ".join(referral.completeness.missing),
    "tlp": lambda referral, _: referral.handling.tlp,
}


def write(letter: Letter) -> Document:
    """A header line, then a row an item; a referral without items has one row."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(letter))
    return Document(suffix=".csv", media_type="text/csv", body=text.getvalue().encode("utf-8-sig", "replace"))


def differing(referral: Referral) -> str:
    """That a file is not the one that it looks like, or nothing."""
    count = referral.conflicting_reports
    return message("link.conflicting", count=count) if count else ""


def neutralised(cell: str) -> str:
    """The same text, unable to be a formula: a leading quote is what spreadsheets read as 'this is text'."""
    clean = cell.replace("\x00", "")
    return f"'{clean}" if _FORMULA.match(clean) else clean


def defanged(url: str) -> str:
    """An address that can be read but not followed: hxxps[:]//files[.]example[.]test/1."""
    return _SCHEME.sub(_dead_scheme, url.replace(".", "[.]")).replace("://", "[:]//")


def _dead_scheme(found: re.Match[str]) -> str:
    return f"{found.group(1).replace('tt', 'xx').replace('TT', 'XX')}[:]//"


def _rows(letter: Letter) -> Iterator[list[str]]:
    for referral in letter.referrals:
        for item in referral.items or (ContentItem(),):
            yield [neutralised(column(referral, item)) for column in COLUMNS.values()]
