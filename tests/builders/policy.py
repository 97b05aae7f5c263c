"""Policy bundles for tests: the sample, with what a test is about changed."""

from datetime import date
from functools import cache
from pathlib import Path
from shutil import copytree
from typing import Any

from msgspec.structs import replace

from schemas.records.identifiers import JurisdictionCode, MemberId
from tocsin.policy.bundle import SAMPLE, Bundle, load
from tocsin.policy.jurisdictions import LegalRow
from tocsin.policy.members import Standing
from tocsin.policy.sharing import Prohibition

TODAY = date(2026, 1, 1)
"""The day of NOON_MS."""


@cache
def the_sample() -> Bundle:
    """The sample bundle, read once."""
    return load(SAMPLE)


def a_bundle(**changes: Any) -> Bundle:
    """The sample with other parts."""
    return replace(the_sample(), **changes)


def with_member(member: str, bundle: Bundle | None = None, **changes: Any) -> Bundle:
    """A bundle in which one member is otherwise."""
    found = bundle or the_sample()
    name = MemberId(member)
    return replace(found, members={**found.members, name: replace(found.members[name], **changes)})


def without_members(*members: str) -> Bundle:
    """A bundle in which these members are suspended."""
    found = the_sample()
    for member in members:
        found = with_member(member, found, standing=Standing.SUSPENDED)
    return found


def a_legal_row(**changes: Any) -> LegalRow:
    """A row that a lawyer has checked."""
    defaults: dict[str, Any] = {"valid_from": date(2020, 1, 1), "source_ref": "a test", "verified": True}
    return LegalRow(**(defaults | changes))


def with_law(jurisdiction: str, *rows: LegalRow, bundle: Bundle | None = None) -> Bundle:
    """A bundle with other law in one jurisdiction."""
    found = bundle or the_sample()
    code = JurisdictionCode(jurisdiction)
    changed = replace(found.jurisdictions[code], legal=rows)
    return replace(found, jurisdictions={**found.jurisdictions, code: changed})


def a_folder(parent: Path, *edits: tuple[str, str, str]) -> Path:
    """The sample as files, with texts replaced: file, what stands there, what shall stand there (once)."""
    folder = parent / "policy"
    copytree(SAMPLE, folder)
    for name, old, new in edits:
        text = (folder / name).read_text("utf-8")
        assert old in text, f"{name} of the sample has no {old!r}"
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")
    return folder


def with_agreement(bundle: Bundle | None = None, **changes: Any) -> Bundle:
    """A bundle whose sharing agreements are all changed in the same way."""
    found = bundle or the_sample()
    agreements = tuple(replace(agreement, **changes) for agreement in found.sharing.agreement)
    return replace(found, sharing=replace(found.sharing, agreement=agreements))


def with_prohibition(bundle: Bundle | None = None, **terms: Any) -> Bundle:
    """A bundle that forbids one thing more."""
    found = bundle or the_sample()
    prohibitions = (*found.sharing.prohibition, Prohibition(**terms))
    return replace(found, sharing=replace(found.sharing, prohibition=prohibitions))
