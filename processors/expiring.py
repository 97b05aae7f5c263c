"""When the last key of each member and process ends, as a metric: an alert comes before anything is lost by it."""

from collections.abc import Callable

from schemas.failures import Broken
from tocsin.runtime import metrics
from tocsin.runtime.keys.directory import Directory
from tocsin.runtime.keys.ending import last_keys


class KeyWatch:
    """One per exchange: the returns worker has it."""

    def __init__(self, directory: Callable[[], Directory] | None) -> None:
        self._directory = directory
        self._shown: frozenset[tuple[str, str]] = frozenset()

    def __call__(self, _: int) -> None:
        """Publish it; a directory that cannot be trusted is for whoever verifies with it to complain of."""
        if self._directory is None:
            return
        try:
            found = tuple(last_keys(self._directory()))
        except Broken:
            return
        for key in found:
            metrics.KEY_EXPIRY.labels(key.use, key.principal).set(key.valid_until_ms / 1000)
        named = frozenset((str(key.use), str(key.principal)) for key in found)
        for use, principal in self._shown - named:
            metrics.KEY_EXPIRY.remove(use, principal)
        self._shown = named
