"""Changes of members.toml that a command makes: checked as a whole bundle before a byte of the folder changes."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Final

from schemas.catalogue import message
from schemas.failures import Refused
from schemas.records.identifiers import MemberId
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.policy.check_members import MEMBERS

Value = str | bool | int | date | tuple[str, ...] | tuple[date, ...]
Edit = Callable[[Path], None]


def changed(folder: Path, edit: Edit) -> Bundle:
    """Apply an edit; raises Broken, with the folder as it was, where the bundle would not load.

    The sample that comes with Tocsin is nobody's to edit: Refused.
    """
    if folder.resolve() == SAMPLE.resolve():
        raise Refused(message("member.shipped_policy"), code="member.shipped_policy")
    with tempfile.TemporaryDirectory() as scratch:
        trial = Path(scratch) / "policy"
        shutil.copytree(folder, trial)
        edit(trial)
        bundle = load(trial)
        for file in sorted(trial.rglob("*.toml")):
            _take_over(file, folder / file.relative_to(trial))
    return bundle


def adding(member: MemberId, entry: Mapping[str, Value], profile: Path | None) -> Edit:
    """A new member at the end of the file, and its profile where it submits."""

    def edit(folder: Path) -> None:
        lines = [f"{name} = {_written(value)}" for name, value in entry.items()]
        file = folder / MEMBERS
        before = file.read_text("utf-8").rstrip("\n")
        file.write_text("\n".join((before, "", f"[{member}]", *lines, "")), "utf-8")
        if profile is not None:
            (folder / "profiles").mkdir(exist_ok=True)
            shutil.copyfile(profile, folder / "profiles" / f"{member}.toml")

    return edit


def ending(member: MemberId, on: date) -> Edit:
    """The member takes part no longer from that day on; what else is said of it stays, for decisions of before."""

    def edit(folder: Path) -> None:
        file = folder / MEMBERS
        text = file.read_text("utf-8")
        found = _table(member).search(text)
        assert found is not None  # noqa: S101 -- the caller has loaded the bundle with this member
        kept = _VALID_TO.sub("", found["body"])
        file.write_text(
            f"{text[: found.start()]}{found['head']}valid_to = {on.isoformat()}\n{kept}{text[found.end() :]}", "utf-8"
        )

    return edit


_VALID_TO: Final = re.compile(r"^valid_to\s*=.*\n", re.MULTILINE)


def _table(member: MemberId) -> re.Pattern[str]:
    return re.compile(rf"(?P<head>^\[{re.escape(member)}\][^\n]*\n)(?P<body>(?:(?!^\[)[^\n]*\n?)*)", re.MULTILINE)


def _written(value: Value) -> str:
    """As TOML; JSON writes texts, numbers and truth in the same way, and no days."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _take_over(source: Path, target: Path) -> None:
    content = source.read_bytes()
    if target.exists() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(target)
