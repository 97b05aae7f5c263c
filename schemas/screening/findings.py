"""What a hit leaves behind: where it was, which rule, how long and its digest, and never the value."""

from hashlib import sha256

from msgspec import Struct


class Finding(Struct, frozen=True, kw_only=True, gc=False):
    """One hit of the firewall; `rule` is a code of the message catalogue."""

    path: str
    rule: str
    length: int
    """Characters of a text, bytes of a value, or members of a collection."""
    sha256: str


def finding_in_text(path: str, rule: str, text: str) -> Finding:
    """A hit in one text."""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Finding(path=path, rule=rule, length=len(text), sha256=digest)


def finding_in_bytes(path: str, rule: str, data: bytes) -> Finding:
    """A hit in undecoded bytes."""
    return Finding(path=path, rule=rule, length=len(data), sha256=sha256(data).hexdigest())
