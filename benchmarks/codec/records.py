"""What the codecs are measured with: a plain record of about 709 bytes, and reports of one item and of three."""

import hashlib
import json
import random
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import fastavro
from msgspec import Struct

from benchmarks.world import reports
from schemas.definitions import expanded
from schemas.engines import interpreted
from schemas.records.identifiers import ContentId
from schemas.records.report import ReportSubmitted
from tests.builders.reports import a_hash, a_report, an_item

COUNT: Final = 2_000
_MAYBE: Final = ["null", "string"]


class Given(Struct, frozen=True):
    """Records of one kind, as every codec is given them."""

    schema: dict[str, Any]
    written: tuple[bytes, ...]

    def save(self, file: Path) -> None:
        """As every codec's process reads it: the schema, and the bytes in hex."""
        file.write_text(json.dumps({"schema": self.schema, "records": [data.hex() for data in self.written]}))


def given() -> dict[str, Given]:
    """Every kind that is measured."""
    schema = expanded(ReportSubmitted.__name__)
    return {
        "plain": Given(PLAIN, tuple(_plain(number) for number in range(COUNT))),
        "report of one item": Given(schema, tuple(map(_written, reports(COUNT)))),
        "report of three items": Given(schema, tuple(map(_written, _of_three()))),
    }


def _written(report: ReportSubmitted) -> bytes:
    return interpreted.write(report, b"", None)


def _of_three() -> Iterator[ReportSubmitted]:
    for number in range(COUNT):
        values = [hashlib.sha256(f"{number}-{item}".encode()).hexdigest() for item in range(3)]
        items = [
            an_item(content_id=ContentId(f"item-{place}"), hashes=(a_hash(value=value),))
            for place, value in enumerate(values, 1)
        ]
        yield a_report(submitter_reference=f"bench-{number}", items=tuple(items))


def _record(name: str, /, **fields: Any) -> dict[str, Any]:
    listed = [{"name": field, "type": kind} for field, kind in fields.items()]
    return {"type": "record", "namespace": "bench", "name": name, "fields": listed}


def _array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


PLAIN: Final = _record(
    "Plain",
    **{"id": "string", "seq": "long", "source": "string", "country": _MAYBE},
    kind={"type": "enum", "namespace": "bench", "name": "Kind", "symbols": ["HOTLINE", "INDUSTRY", "LEA", "PUBLIC"]},
    **{"created": "long", "updated": ["null", "long"], "url": _MAYBE, "host": _MAYBE, "ip": _MAYBE, "port": "long"},
    **{"score": "double", "flagged": "boolean", "md5": ["null", "bytes"], "sha256": ["null", "bytes"]},
    **{"title": _MAYBE, "narrative": _MAYBE},
    org=_record("Org", oid="string", name="string", cc="string", sector=_MAYBE),
    items=_array(_record("Item", u=_MAYBE, h=["null", "bytes"], labels=_array("string"), seen="boolean")),
    **{"tags": _array("string"), "version": "long", "norm_host": _MAYBE, "priority": ["null", "long"]},
    **{"route": _MAYBE, "attrs": {"type": "map", "values": "string"}},
)
"""25 fields, as in the study that came before (ADR 55), with `long` for its `int`: the bytes are the same."""


def _plain(number: int) -> bytes:
    chance, host = random.Random(number), f"host{number}.example.test"  # noqa: S311 -- no secret
    item = {"h": chance.randbytes(32), "labels": ["a", "bb"], "seen": True}
    values = {
        **{"id": f"{chance.getrandbits(128):032x}", "seq": number, "source": f"src-{number % 20}", "country": "NL"},
        **{"kind": "HOTLINE", "created": 1_700_000_000_000 + number, "updated": None, "port": 443, "version": 3},
        **{"url": f"https://{host}/path/{number}", "host": host.upper(), "ip": f"192.0.2.{number % 250}"},
        **{"score": number % 1000 / 1000, "flagged": number % 3 == 0, "title": f"title of record {number}"},
        **{
            "md5": chance.randbytes(16),
            "sha256": chance.randbytes(32),
            "narrative": "lorem ipsum dolor sit amet " * 10,
        },
        "org": {"oid": f"org-{number % 50}", "name": f"Organisation {number % 50}", "cc": "DE", "sector": "HOTLINE"},
        "items": [item | {"u": f"https://{host}/i/{place}"} for place in range(2)],
        **{"tags": ["one", "two", "three"], "norm_host": None, "priority": None, "route": None},
        "attrs": {"k1": "v1", "k2": "v2"},
    }
    buffer = BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(PLAIN), values)
    return buffer.getvalue()
