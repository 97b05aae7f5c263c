"""fastavro by itself: dictionaries."""

from io import BytesIO
from typing import Any

import fastavro

from benchmarks.codec.alone import Door


def doors(schema: dict[str, Any]) -> tuple[Door, Door]:
    """How it reads and writes."""
    parsed = fastavro.parse_schema(schema)

    def write(value: Any) -> bytes:
        buffer = BytesIO()
        fastavro.schemaless_writer(buffer, parsed, value)
        return buffer.getvalue()

    return lambda data: fastavro.schemaless_reader(BytesIO(data), parsed, None), write
