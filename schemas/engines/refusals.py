"""What an engine says of bytes that it cannot read: the same words and codes, whichever it is."""

from schemas.failures import UnreadableRecord

__all__ = ["malformed", "trailing", "truncated"]


def truncated(found: str) -> UnreadableRecord:
    """Bytes that end early, or point at a branch or a symbol that is not there."""
    return UnreadableRecord(
        f"A record has every field of its schema, these bytes end early or break off ({found}). "
        "Check that the schema id is the one it was written with.",
        code="record.truncated",
    )


def malformed(name: str, found: str) -> UnreadableRecord:
    """Bytes that no writer of the schema makes."""
    return UnreadableRecord(
        f"These bytes are no {name} ({found}). Check the schema id that it was written with.",
        code="record.malformed",
    )


def trailing(name: str, left_bytes: int) -> UnreadableRecord:
    """Bytes after the last field."""
    return UnreadableRecord(
        f"A {name} ends with its last field, found {left_bytes} bytes more. "
        "Check that the schema id is the one it was written with.",
        code="record.trailing_bytes",
    )
