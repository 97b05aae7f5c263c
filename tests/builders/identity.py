"""Keys of the tests: under what contents are recognised there."""

from typing import Final

from processors.decision import Naming
from processors.steps.deduplicate.near import Veil
from processors.steps.deduplicate.selectors import Keys

KEYS: Final = Keys(digest=(b"a key of the tests",), recipient=b"another key of the tests")
VEIL: Final = Veil(b"a veil of the tests")
NAMING: Final = Naming(keys=KEYS, veil=VEIL)


def nothing_follows(_: str) -> bool:
    """No parameter of an address is a tracking parameter."""
    return False
