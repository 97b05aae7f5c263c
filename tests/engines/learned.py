"""What fuzzing learned of the compiled codec: a line of learned.txt for each input, its door and its bytes in hex."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("learned.txt")


def learned() -> list[tuple[str, bytes]]:
    """Each door's name and the bytes for it, in the order of the file."""
    parts = (line.partition(" ") for line in FILE.read_text("ascii").splitlines())
    return [(door, bytes.fromhex(data)) for door, _, data in parts]


def lines(inputs: Iterable[tuple[str, bytes]]) -> list[str]:
    """As the file has them: by door, the short ones first."""
    ordered = sorted(set(inputs), key=lambda one: (one[0], len(one[1]), one[1]))
    return [f"{door} {data.hex()}" for door, data in ordered]
