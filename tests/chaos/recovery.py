"""How long it takes after the newest blow until all is delivered that was due at it."""


class Recovery:
    """Asked again and again, because blows go on; each new one starts it anew."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        """None where nothing struck yet, or what was due is not there yet."""
        self._struck_seconds = 0.0
        self._due: int | None = None

    def struck(self, now_seconds: float, due: int) -> None:
        """Something was killed at this instant, when so many deliveries were due."""
        self._struck_seconds, self._due, self.seconds = now_seconds, due, None

    def look(self, now_seconds: float, delivered: int) -> None:
        """So many are delivered by now."""
        if self._due is not None and delivered >= self._due:
            self.seconds = round(now_seconds - self._struck_seconds, 1)
            self._due = None
