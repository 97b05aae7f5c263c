"""A pace that no test's caller ever exceeds, for a port that is asked as fast as it answers."""

from typing import Final

from tocsin.runtime.pacing import Callers, pace

_NEVER_REACHED: Final = 1e6


def at_will() -> Callers:
    """Each caller, and all of them together, as often as they like."""
    return Callers(each=pace(_NEVER_REACHED, _NEVER_REACHED), together=pace(_NEVER_REACHED, _NEVER_REACHED))
