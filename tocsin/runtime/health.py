"""Whether a process is ready: readiness fails when something is stale, not only when it is dead."""

import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Beat:
    """The last sign of life of one part, in monotonic seconds, and how old it may grow."""

    at_seconds: float
    stale_after_seconds: float


@dataclass(slots=True)
class Health:
    """Parts report here; the endpoint asks. A part that was expected and never reported is stale."""

    _beats: dict[str, Beat] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def expect(self, part: str, stale_after_seconds: float) -> None:
        """Name a part whose silence makes the process not ready."""
        with self._lock:
            self._beats[part] = Beat(float("-inf"), stale_after_seconds)

    def beat(self, part: str, now_seconds: float) -> None:
        """Record that an expected part made progress, or found that there was none to make."""
        with self._lock:
            self._beats[part] = Beat(now_seconds, self._beats[part].stale_after_seconds)

    def stale(self, now_seconds: float) -> tuple[str, ...]:
        """The parts that have been silent too long, by name; empty means ready."""
        with self._lock:
            return tuple(
                sorted(
                    part
                    for part, beat in self._beats.items()
                    if now_seconds - beat.at_seconds > beat.stale_after_seconds
                )
            )
