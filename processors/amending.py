"""A report with what recipients found out about its items since it came in; pure."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from schemas.records.identifiers import ContentId
from schemas.records.report import ContentItem, Hosting, Label, ReportSubmitted
from schemas.records.ruling import Amendment
from schemas.records.values import Ternary

_SCHEME, _SCHEME_VERSION = "iccam", "3"
"""Recipients assess in ICCAM's words."""
_BY_RECIPIENT = "recipient"


def amended(report: ReportSubmitted, amendments: Iterable[Amendment]) -> ReportSubmitted:
    """The latest word on where each item lies and what it is; a report without items has one for its page."""
    known = {one.content_id: one for one in amendments}
    if not known:
        return report
    items = tuple(_item(item, known) for item in report.items)
    page = known.get(ContentId(""))
    if page is None or report.source_url is None:
        return replace(report, items=items)
    source = replace(report.source_url, hosting=_moved(report.source_url.hosting, page))
    return replace(report, items=items, source_url=source)


def _item(item: ContentItem, known: Mapping[ContentId, Amendment]) -> ContentItem:
    found = known.get(item.content_id)
    if found is None:
        return item
    return replace(item, hosting=_moved(item.hosting, found), labels=_labelled(item.labels, found.classification))


def _moved(before: Hosting | None, found: Amendment) -> Hosting | None:
    """Address and host were those of the old place; a submitter that has looked since knows better."""
    if not found.hosting_country or (before is not None and _stands(before, found)):
        return before
    return Hosting(
        country=found.hosting_country,
        source=_BY_RECIPIENT,
        content_delivery_network=Ternary.UNKNOWN,
        checked_at=found.moved_at,
    )


def _stands(before: Hosting, found: Amendment) -> bool:
    looked, moved = before.checked_at, found.moved_at
    is_later = looked is not None and moved is not None and looked.epoch_ms > moved.epoch_ms
    return before.country == found.hosting_country or is_later


def _labelled(labels: tuple[Label, ...], classification: str) -> tuple[Label, ...]:
    """The last assessment counts (domain facts 1.2): an earlier one of the same scheme is no contradiction."""
    if not classification:
        return labels
    others = tuple(label for label in labels if label.scheme != _SCHEME)
    return (*others, Label(scheme=_SCHEME, scheme_version=_SCHEME_VERSION, label=classification))
