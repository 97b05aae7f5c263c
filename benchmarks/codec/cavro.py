"""cavro, a codec in Cython: dictionaries."""

from typing import Any

import cavro

from benchmarks.codec.alone import Door


def doors(schema: dict[str, Any]) -> tuple[Door, Door]:
    """How it reads and writes."""
    codec = cavro.Schema(schema, record_decodes_to_dict=True)
    return codec.binary_decode, codec.binary_encode
