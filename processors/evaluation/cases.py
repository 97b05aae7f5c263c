"""Case files: JSON lines, each a named situation with its reports and what triage should say of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from processors.evaluation.outcomes import OUTCOME_KEYS, unknown_keys
from schemas.failures import Refused

LONGEST_FILE_BYTES: Final = 64 * 1024 * 1024
MOST_REPORTS: Final = 1_000


class Case(Struct, frozen=True, kw_only=True):
    """One situation: reports in the order of their arrival, and what is expected of each."""

    name: str
    family: str
    """The file's name without its ending."""
    place: str
    """File and line, for whoever has to look."""
    as_of_ms: int
    policy: Path | None
    reports: tuple[Mapping[str, Any], ...]
    expect: tuple[Mapping[str, Any], ...]


class _Written(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line as it is written; `expect` may be one object where there is one report."""

    name: str
    as_of: str
    reports: list[dict[str, Any]]
    expect: dict[str, Any] | list[dict[str, Any]]
    policy: str = ""


def case_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files that are named, and every `.jsonl` file below the folders that are; raises Refused for none."""
    files = [file for path in paths for file in (sorted(path.rglob("*.jsonl")) if path.is_dir() else [path])]
    if missing := next((file for file in files if not file.is_file()), None):
        raise _refused(str(missing), "a file or folder of cases", "nothing there")
    if not files:
        raise _refused(", ".join(map(str, paths)), "files that end in .jsonl", "none")
    return tuple(files)


def read_cases(file: Path) -> Iterator[Case]:
    """Every case of one file; raises Refused that names the line to correct."""
    if file.stat().st_size > LONGEST_FILE_BYTES:
        raise _refused(str(file), f"at most {LONGEST_FILE_BYTES} bytes", f"{file.stat().st_size}")
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield _case(line, file, f"{file}:{number}")


def _case(line: bytes, file: Path, place: str) -> Case:
    try:
        written = msgspec.json.decode(line, type=_Written)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _refused(place, "an object with name, as_of, reports, expect and perhaps policy", str(error)) from error
    expect = written.expect if isinstance(written.expect, list) else [written.expect]
    if not 1 <= len(written.reports) <= MOST_REPORTS:
        raise _refused(place, f"1 to {MOST_REPORTS} reports", str(len(written.reports)))
    if len(expect) > len(written.reports):
        raise _refused(place, "at most one expectation for each report", f"{len(expect)} for {len(written.reports)}")
    if unknown := [key for one in expect for key in unknown_keys(one)]:
        raise _refused(place, f"expectations of {', '.join(sorted(OUTCOME_KEYS))}", f"'{unknown[0]}'")
    return Case(
        name=written.name,
        family=file.stem,
        place=place,
        as_of_ms=_instant_ms(written.as_of, place),
        policy=(file.parent / written.policy) if written.policy else None,
        reports=tuple(written.reports),
        expect=tuple(expect),
    )


def _instant_ms(text: str, place: str) -> int:
    """An instant with its offset, or a day, which means its noon in UTC."""
    try:
        if len(text) == len("2026-01-31"):
            at = datetime.combine(date.fromisoformat(text), time(12), UTC)
        else:
            at = datetime.fromisoformat(text)
    except ValueError as error:
        raise _refused(place, "as_of as a day or as an instant with offset", f"'{text[:40]}'") from error
    if at.tzinfo is None:
        raise _refused(place, "as_of with its offset, such as 2026-01-31T12:00:00+01:00", f"'{text[:40]}'")
    return int(at.timestamp() * 1000)


def _refused(place: str, expected: str, found: str) -> Refused:
    return Refused(f"{place}: expected {expected}, found {found}. Correct it.", code="evaluate.case")
