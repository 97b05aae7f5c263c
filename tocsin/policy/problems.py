"""What is wrong with a bundle: file, key, what was expected, what was found; the fix stands in the catalogue."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from schemas.catalogue import message
from schemas.failures import Broken

_MOST_SHOWN = 20


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that people have to correct before the bundle loads."""

    code: str
    file: str
    key: str
    expected: str
    found: str

    def sentence(self) -> str:
        """What a person reads."""
        return message(self.code, file=self.file, key=self.key, expected=self.expected, found=self.found)


def refusal(problems: Sequence[Problem]) -> Broken:
    """All of them at once, so that one reading of the message is enough; the code is that of the first."""
    sentences = [problem.sentence() for problem in problems[:_MOST_SHOWN]]
    if len(problems) > _MOST_SHOWN:
        sentences.append(f"And {len(problems) - _MOST_SHOWN} more.")
    return Broken("\n".join(sentences), code=problems[0].code)


def one_of(words: Iterable[str]) -> str:
    """How a closed list is told."""
    return f"one of {', '.join(sorted(words))}"
