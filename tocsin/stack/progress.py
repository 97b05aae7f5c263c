"""How long work says what it is doing: one callable, given a part and a short text."""

from collections.abc import Callable

Progress = Callable[[str, str], None]
"""Called from several threads with the part (`kafka`) and what it is at (`starting`)."""


def silent(part: str, text: str) -> None:
    """Say nothing."""
