"""On which line of a TOML file a key stands, for messages: the parser itself does not say."""

import re
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from tocsin.policy.problems import Problem

_HEADER: Final = re.compile(r"^\s*(\[\[?)\s*([\w.\"-]+)\s*\]\]?")
_KEY: Final = re.compile(r"^\s*([\w\"-]+)\s*=")
_INDEX: Final = re.compile(r"\[(\d+)\]")


def placed(problem: Problem, folder: Path) -> Problem:
    """The problem with the line of its key, or of what stands nearest above it."""
    try:
        text = (folder / problem.file).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return problem
    line = line_of(problem.key, text)
    return replace(problem, line=line) if line else problem


def line_of(key: str, text: str) -> int:
    """The line of `table[2].name`, `table.name` or `name`, counted from 1; 0 where nothing of it is there."""
    lines = _lines(text)
    path = key.split(" ", maxsplit=1)[0]
    while path:
        for candidate in (path, f"{path}[0]", _INDEX.sub("", path, count=1)):
            if candidate in lines:
                return lines[candidate]
        path = path[: max(path.rfind("."), 0)] if not path.endswith("]") else path[: path.rfind("[")]
    return 0


def _lines(text: str) -> dict[str, int]:
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            name = header[2].replace('"', "")
            table = name
            if header[1] == "[[":
                table = f"{name}[{counts.get(name, 0)}]"
                counts[name] = counts.get(name, 0) + 1
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            name = key[1].replace('"', "")
            path = f"{table}.{name}" if table else name
            found.setdefault(path, number)
            found.setdefault(_INDEX.sub("", path), number)
    return found
