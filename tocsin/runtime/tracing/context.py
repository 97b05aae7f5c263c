"""The W3C trace context as it travels in headers: passed on only where it has the standard's form."""

import re
from collections.abc import Iterable
from typing import Final

HEADER: Final = "traceparent"
_FORM: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def context_in(headers: Iterable[tuple[str, bytes | None]] | None) -> str:
    """The first trace context of these headers; "" where there is none, or something else stands there."""
    found = next((value for name, value in headers or () if name == HEADER), None)
    return found.decode() if found is not None and _FORM.fullmatch(found) else ""
