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


_IN_INBOXES: Final = "content_keys"
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
        inbox=(_IN_INBOXES,),
        files=("*.rejected.*",),
    ),
    "Withdrawal": Held(topics=("reports.*", "dlq.*"), tables=("report_revisions",), journal=("entries",)),
    "ReportTriaged": Held(topics=("triaged.v1",), tables=("decisions",)),
    "Referral": Held(
        topics=("referrals.*",), tables=("referrals",), inbox=("deliveries", _IN_INBOXES), files=_DELIVERED
    ),
    "Return": Held(
        topics=("returns.*", "dlq.*"),
        tables=("returns", "item_acts", "disputes", "lea_holds"),
        inbox=("outbox",),
        files=("replies/*",),
    ),
    "Status": Held(topics=("status.*",), tables=("link_notices",), journal=("statuses",), inbox=("deliveries",)),
    "LabelAdded": Held(topics=("returns.*", "dlq.*"), tables=("items", "item_acts", "disputes")),
    "PersonalPart": Held(
        topics=("reports.*", "referrals.*", "dlq.*"),
        tables=("sightings", "further_sightings"),
        journal=("entries",),
        inbox=("deliveries", _IN_INBOXES),
        files=_DELIVERED,
    ),
    "ReferralsRead": Held(topics=("returns.*",), tables=("audit_openings",)),
    "Ruling": Held(topics=("rulings.v1", "dlq.*"), tables=("rulings",)),
}
"""By record; a test sees to it that none is missing, and that each line with content of a report is some record's."""


_OF_ALL: Final = ("sightings", "further_sightings")
_SELECTORS: Final = (*_OF_ALL, _IN_INBOXES)
_HASHES: Final = (*_OF_ALL, "restricted.near_hashes", _IN_INBOXES)
_CIRCUMSTANCES: Final = (_IN_INBOXES,)
_DIGESTED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "ReportSubmitted": {
        "external_ids": _SELECTORS,
        "source_url.url": _SELECTORS,
        "items.url": _SELECTORS,
        "items.hashes.algorithm": _HASHES,
        "items.hashes.value": _HASHES,
        "incident_at.epoch_ms": _CIRCUMSTANCES,
        "nexus.kind": _CIRCUMSTANCES,
        "nexus.country": _CIRCUMSTANCES,
    },
    "PersonalPart": dict.fromkeys(("accounts.platform", "accounts.kind", "accounts.value"), _SELECTORS),
    "Referral": dict.fromkeys(("content_keys", "circumstance_keys"), _CIRCUMSTANCES),
}
"""What reports and contents are recognised by: by field, the tables that keep a keyed digest or a veiled hash of it."""
_PARTS: Final = frozenset({"retentions", _IN_INBOXES})
"""Tables of a member that hold no whole record; those of the exchange hold none at all."""


def recognised_by(record: str, field: str) -> tuple[str, ...]:
    """The tables that keep a digest of it under a secret key, or a veiled hash; none for most fields."""
    return _DIGESTED.get(record, {}).get(field, ())


def lies(record: str, *, whole: bool) -> Iterator[str]:
    """One line each: where it lies as it was sent or written, or else a part of it; what, and until when."""
    held = HELD[record]
    for title, names, kinds, is_whole in (
        ("topic", held.topics, TOPICS, True),
        ("table of the exchange", held.tables, TABLES, False),
        ("table of the submitter's journal", held.journal, JOURNAL_TABLES, True),
        ("table of the recipient's inbox", held.inbox, INBOX_TABLES, True),
        ("file", held.files, FILES, True),
    ):
        yield from (_line(title, name, kinds[name]) for name in names if (is_whole and name not in _PARTS) is whole)


def _line(title: str, name: str, kept: Kept) -> str:
    return f"{title} `{name}`: {kept.what}; {kept.retention}"
