"""Later revisions in PostgreSQL: who has an earlier one, and what was found out; with the claim, in its round trip."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, text

from processors.index.port import Claim, PriorRecipient
from schemas.failures import Temporary
from schemas.records.identifiers import JurisdictionCode, MemberId
from tocsin.runtime.ledger.amendments import latest_of
from tocsin.runtime.ledger.subject_requests import restricted_of
from tocsin.runtime.pipeline import Query


def require_settled(connection: Connection, own: Sequence[int], claims: Iterable[Claim]) -> None:
    """Raises Temporary while another worker, on a stream that is not our own, has an earlier revision in hand.

    It has claimed it and not settled it: who it goes to is not known yet.
    """
    reports = _later(claims)
    if reports and connection.execute(_IN_FLIGHT, _places(reports, own)).first() is not None:
        raise Temporary("An earlier revision is being triaged by another worker.", code="index.revision_in_flight")


def settled_or_nothing(own: Sequence[int], claims: Iterable[Claim]) -> Query:
    """The same within one round trip: it breaks the `not null` of our stream's position, and with it the claim."""
    return Query(_NONE_IN_FLIGHT, {"stream": own[0], **_places(_later(claims), own)})


def recipients_of(claims: Iterable[Claim]) -> Query:
    """Who has an earlier revision; sent after it is sure that none is in another worker's hands."""
    return Query(_READ_RECIPIENTS, {"reports": _later(claims)})


def recipients_in(rows: Iterable[Any]) -> Mapping[str, tuple[PriorRecipient, ...]]:
    """By report, who was not told to give it up."""
    found: dict[str, list[PriorRecipient]] = defaultdict(list)
    for row in rows:
        if not row.withdrawal:
            found[str(row.report_id)].append(
                PriorRecipient(MemberId(row.recipient), JurisdictionCode(row.jurisdiction))
            )
    return {report: tuple(members) for report, members in found.items()}


def found_out_of(claims: Iterable[Claim]) -> Query:
    """Asked once the claim is committed: what is noted at that moment either is seen here, or sees the revision."""
    return latest_of(claim.report_id for claim in claims if claim.is_correction)


def only_kept_of(claims: Iterable[Claim]) -> Query:
    """Asked then, too: a restriction that is written at that moment is seen here, or its order names the revision."""
    return restricted_of(claim.report_id for claim in claims if claim.is_correction)


def _later(claims: Iterable[Claim]) -> list[str]:
    return sorted({claim.report_id for claim in claims if claim.revision > 1})


def _places(reports: list[str], own: Sequence[int]) -> dict[str, object]:
    return {"reports": reports, "own": list(own)}


_READ_RECIPIENTS: Final = text(
    "select distinct on (report_id, recipient) report_id, recipient, jurisdiction, withdrawal from referrals "
    "where report_id = any(cast(:reports as uuid[])) order by report_id, recipient, revision desc, ruling desc"
)
_CLAIMED_ELSEWHERE: Final = """
    with claimed as (
        select stream, log_offset from report_revisions where report_id = any(cast(:reports as uuid[]))
        union all
        select stream, log_offset from rulings where report_id = any(cast(:reports as uuid[]))
    )
    select 1 from claimed join streams using (stream)
    where claimed.log_offset >= streams.next_offset and claimed.stream <> all(cast(:own as integer[])) and not exists (
        select 1 from streams newer where newer.topic = streams.topic and newer.partition = streams.partition
        and newer.stream > streams.stream
    )
"""
"""What a topic that was created again had claimed and not settled will never be settled."""
_IN_FLIGHT: Final = text(f"{_CLAIMED_ELSEWHERE} limit 1")
_NONE_IN_FLIGHT: Final = text(
    f"update streams set next_offset = null where stream = :stream and exists ({_CLAIMED_ELSEWHERE})"  # noqa: S608 -- ours
)
