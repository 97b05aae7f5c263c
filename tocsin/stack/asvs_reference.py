"""The page of the self-assessment by ASVS, made of its table: `python -m tocsin.stack.asvs_reference` writes it."""

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parents[2] / "docs" / "reference"
TABLE: Final = FOLDER / "asvs.toml"
PAGE: Final = FOLDER / "asvs.md"
STATES: Final[Mapping[str, str]] = {
    "holds": "Holds",
    "partly": "Holds in part",
    "not": "Does not hold, or no test shows it",
}
_HEAD: Final = """\
# Self-assessment by ASVS 5.0, levels 1 and 2

Made by `python -m tocsin.stack.asvs_reference` of asvs.toml; do not edit. It is about the three HTTP surfaces: the
reference receiver, the metrics port of a process and the ops page. Ids and levels are those of OWASP ASVS 5.0.0; the
sentences are ours and say what we do, not what it asks. It was made by those who wrote the code: it is no certificate.
"""


def page() -> str:
    """The whole page as Markdown."""
    table = tomllib.loads(TABLE.read_text("utf-8"))
    counts = Counter(line["state"] for line in table["line"])
    parts = [_HEAD, "\n".join(f"- {title}: {counts[state]}" for state, title in STATES.items())]
    for state, title in STATES.items():
        rows = [_row(line) for line in table["line"] if line["state"] == state]
        parts.append(
            "\n".join([f"\n## {title}\n", "| Id | Level | What is so | Shown by |", "|---|---|---|---|", *rows])
        )
    return "\n".join([*parts, *_outside(table["outside"]), ""])


def _row(line: Mapping[str, Any]) -> str:
    shown = "<br>".join(f"`{test.removeprefix('tests/')}`" for test in line["tests"]) or "nothing"
    return f"| {line['id']} | {line['level']} | {line['says']} | {shown} |"


def _outside(parts: list[Mapping[str, str]]) -> Iterator[str]:
    yield "\n## Asks for what no surface has\n"
    yield from ("| Ids | Why |", "|---|---|")
    yield from (f"| {part['ids']} | {part['why']} |" for part in parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
