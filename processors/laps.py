"""How long each step takes: summed over a slice, so that a metric is touched once for each step of it."""

import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from tocsin.runtime import metrics

STEPS: Final = ("classify", "completeness", "deduplicate", "prioritise", "route")
_Asked = ParamSpec("_Asked")
_Found = TypeVar("_Found")


class Laps:
    """One slice's; what is decided does not depend on it."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    def of(self, step: str, rule: Callable[_Asked, _Found], *asked: _Asked.args, **named: _Asked.kwargs) -> _Found:
        """What the rule finds, with its time counted as that step's."""
        start = time.perf_counter()
        found = rule(*asked, **named)
        self._seconds[step] = self._seconds.get(step, 0.0) + time.perf_counter() - start
        return found

    def publish(self) -> None:
        """Observe each step that was taken; once a slice."""
        for step, seconds in self._seconds.items():
            metrics.STEP_DURATION.labels(step).observe(seconds)


class Untimed(Laps):
    """Where nobody asks: evaluation, shadowing, what is decided a second time to compare."""

    def of(self, step: str, rule: Callable[_Asked, _Found], *asked: _Asked.args, **named: _Asked.kwargs) -> _Found:
        """What the rule finds."""
        return rule(*asked, **named)


UNTIMED: Final = Untimed()
