"""msgspec learns a type on its first use, and two threads that learn one at once end the process by SIGSEGV."""

import threading
from typing import Final

import msgspec
from msgspec import Struct

_ONE_AT_A_TIME: Final = threading.Lock()
_KNOWN: Final[set[type[Struct]]] = set()
"""Types whose plan is complete."""


def learn(record_type: type[Struct]) -> None:
    """Call before converting to a type that other threads may convert to as well; a look-up after the first time."""
    if record_type not in _KNOWN:
        with _ONE_AT_A_TIME:
            msgspec.json.Decoder(record_type)  # learns the type and every type within it
        _KNOWN.add(record_type)
