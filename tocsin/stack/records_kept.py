"""Where each record lies and for how long: the lines of the data inventory that hold it, or a part of it."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from tocsin.stack.inventory import FILES, INBOX_TABLES, JOURNAL_TABLES, TABLES, TOPICS, Kept


class Held(Struct, frozen=True, kw_only=True):
    """The lines of each part of the data inventory that hold one record."""

    topics: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    journal: tuple[str, ...] = ()
    inbox: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


_DELIVERED: Final = ("delivered/*.json", "receiver/referrals/*.json")
HELD: Final[Mapping[str, Held]] = {
    "ReportSubmitted": Held(
        topics=("reports.*", "dlq.*"),
        tables=(
            "report_revisions",
            "sightings",
            "further_sightings",
            "restricted.near_hashes",
            "links",
            "items",
            "unrouted",
            "queue",
        ),
        journal=("entries", "retentions"),
        files=("*.rejected.*",),
    ),
    "Withdrawal": Held(topics=("reports.*", "dlq.*"), tables=("report_revisions",), journal=("entries",)),
    "ReportTriaged": Held(topics=("triaged.v1",), tables=("decisions",)),
    "Referral": Held(
        topics=("referrals.*",), tables=("referrals",), inbox=("deliveries", "content_keys"), files=_DELIVERED
    ),
    "Return": Held(
        topics=("returns.*", "dlq.*"),
        tables=("returns", "item_acts", "disputes", "lea_holds"),
        inbox=("outbox",),
        files=("replies/*",),
    ),
    "Status": Held(topics=("status.*",), tables=("link_notices",), journal=("statuses",), inbox=("deliveries",)),
    "LabelAdded": Held(topics=("returns.*", "dlq.*"), tables=("items", "disputes")),
    "PersonalPart": Held(
        topics=("reports.*", "referrals.*", "dlq.*"), journal=("entries",), inbox=("deliveries",), files=_DELIVERED
    ),
    "ReferralsRead": Held(topics=("returns.*",), tables=("audit_openings",)),
    "Ruling": Held(topics=("rulings.v1", "dlq.*"), tables=("rulings",)),
}
"""By record; a test sees to it that none is missing, and that each line with content of a report is some record's."""


def lies(record: str) -> Iterator[str]:
    """One line each: where, what of it, and until when."""
    held = HELD[record]
    for title, names, kinds in (
        ("topic", held.topics, TOPICS),
        ("table of the exchange", held.tables, TABLES),
        ("table of the submitter's journal", held.journal, JOURNAL_TABLES),
        ("table of the recipient's inbox", held.inbox, INBOX_TABLES),
        ("file", held.files, FILES),
    ):
        yield from (_line(title, name, kinds[name]) for name in names)


def _line(title: str, name: str, kept: Kept) -> str:
    return f"{title} `{name}`: {kept.what}; {kept.retention}"
