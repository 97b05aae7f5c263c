"""The four failures there are, each mapped to one act by the loop that meets it."""


class Failure(Exception):
    """A failure that Tocsin knows how to answer; `code` is stable and listed in the message catalogue."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code or type(self).__name__.lower()


class Unreadable(Failure):
    """Bytes that are no record of ours: dead letter."""


class Refused(Failure):
    """A record that breaks a rule: dead letter with the reason, and a status to the submitter."""


class Temporary(Failure):
    """Something is away for now: bounded retry."""


class Broken(Failure):
    """This process cannot go on safely: halt, and let its manager restart it."""


class UnreadableRecord(Unreadable, ValueError):
    """Bytes that do not decode to the expected record; also a ValueError, for readers who know nothing of the four."""
