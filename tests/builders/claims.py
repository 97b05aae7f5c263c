"""Claims of the index with one selector, of one report, unless a test says otherwise."""

import hashlib
from uuid import uuid4

from processors.index.port import Claim, Index, Knowledge, Selected, Source
from schemas.records.identifiers import MemberId, ReportId

A, B = MemberId("plat-a"), MemberId("ngo-b")


def a_selector(name: str = "same") -> bytes:
    return hashlib.sha256(name.encode()).digest()


def a_claim(offset: int = 0, **changes: object) -> Claim:
    values: dict[str, object] = {
        "log_offset": offset,
        "member": A,
        "report_id": ReportId(str(uuid4())),
        "revision": 1,
        "digest": b"content",
        "selectors": (Selected(a_selector()),),
    }
    return Claim(**(values | changes))  # type: ignore[arg-type]  # the builder's one loose end


def a_source(partition: int = 0) -> Source:
    return Source("topic-id", "test.index", partition)


def claim_one(index: Index, claim: Claim, source: Source | None = None) -> Knowledge:
    return index.claim(source or a_source(), (claim,))[0]
