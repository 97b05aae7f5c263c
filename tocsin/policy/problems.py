"""What is wrong with a bundle: file, key, what was expected, what was found; the fix stands in the catalogue."""

from collections.abc import Iterable, Iterator, Sequence

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
    line: int = 0
    """Of the file, from 1; 0 where the key has none."""

    def sentence(self) -> str:
        """What a person reads."""
        file = f"{self.file}, line {self.line}" if self.line else self.file
        return message(self.code, file=file, key=self.key, expected=self.expected, found=self.found)


def refusal(problems: Sequence[Problem]) -> Broken:
    """All of them at once, so that one reading of the message is enough; the code is that of the first."""
    sentences = [problem.sentence() for problem in problems[:_MOST_SHOWN]]
    if len(problems) > _MOST_SHOWN:
        sentences.append(f"And {len(problems) - _MOST_SHOWN} more.")
    return Broken("\n".join(sentences), code=problems[0].code)


def unknown_words(
    code: str, where: tuple[str, str], words: Iterable[str], allowed: frozenset[str]
) -> Iterator[Problem]:
    """One problem for each word that is none of a closed list; `where` is file and key."""
    file, key = where
    for word in words:
        if word not in allowed:
            yield Problem(code=code, file=file, key=key, expected=one_of(allowed), found=repr(word))


def one_of(words: Iterable[str]) -> str:
    """How a closed list is told."""
    return f"one of {', '.join(sorted(words))}"
