"""uPlot for tests, from the cache or the network; where neither has it, a test is skipped and says so."""

from functools import cache

import pytest

from schemas.failures import Broken
from tocsin.stack.progress import silent
from tocsin.stack.watching.uplot import Library, fetched, library_in


@cache
def the_bytes() -> bytes:
    try:
        return fetched(silent)
    except Broken as failed:
        pytest.skip(f"uPlot could not be fetched: {failed}")


def the_library() -> Library:
    return library_in(the_bytes())
