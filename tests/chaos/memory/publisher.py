"""A platform's own program: one Publisher that lives long, a batch at a time, until it is told to end.

`python -m tests.chaos.memory.publisher HOME MEMBER EVERY_SECONDS`; writes how many it published beside its settings.
"""

import hashlib
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from producers.draft import ReportDraft
from schemas.records.identifiers import ContentId, CountryCode
from tests.builders.reports import a_hash, a_hosting, a_source_url, an_item
from tests.chaos.verdict import RECIPIENTS
from tocsin import Publisher

BATCH = 50
_COUNTRY = CountryCode(next(iter(RECIPIENTS)))


def count_file(home: Path) -> Path:
    """How many were published and confirmed so far."""
    return home / "memory-published"


def main(home: Path, member: str, every_seconds: float) -> None:
    """A batch, confirmed, and a rest; again and again."""
    told: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, end)
    published = 0
    with Publisher(home / "config" / f"{member}.toml", wait_seconds=300) as publisher:
        while not told:
            publisher.publish_all(a_draft(published + number) for number in range(BATCH))
            publisher.flush()
            published += BATCH
            count_file(home).write_text(str(published))
            time.sleep(every_seconds)


def a_draft(number: int) -> ReportDraft:
    """A report like no other."""
    name = f"memory-{number}"
    hosting = a_hosting(country=_COUNTRY)
    item = an_item(
        content_id=ContentId(f"{name}-item"),
        url=f"https://files.example.test/{name}",
        hosting=hosting,
        hashes=(a_hash(value=hashlib.sha256(name.encode()).hexdigest()),),
    )
    source = a_source_url(url=f"https://forum.example.test/{name}", hosting=hosting)
    return ReportDraft(submitter_reference=name, source_url=source, items=(item,), incident_types=("csam",))


if __name__ == "__main__":
    _, _home, _member, _every_seconds = sys.argv
    main(Path(_home), _member, float(_every_seconds))
