"""The firewall over a whole record: a quick look that most pass; for the others, where exactly and what to remove."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from itertools import compress
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from schemas.codec import encode
from schemas.failures import UnreadableRecord
from schemas.records.values import SealedPart
from schemas.screening.findings import Finding, finding_in_bytes, finding_in_text
from schemas.screening.magic import rule_of_start
from schemas.screening.plans import Kind, Step, plan_of
from schemas.screening.text import rule_of_text
from schemas.sealing import MAX_SEALED_BYTES, personal_part

OVERSIZE: Final = "firewall.oversize"
TOO_MANY: Final = "firewall.too_many"
SEALED_PART: Final = "firewall.sealed_part"

MOST_MEMBERS: Final = 1_000
"""Members of one collection."""
MOST_FINDINGS: Final = 100
"""Hits that a report may survive."""
SHORT: Final = 24
"""Shorter texts hide nothing; most texts are, and cost one comparison."""
LONGEST_JOINED: Final = 262_144
"""Characters of a collection that are looked at together."""
NOTES_FIELD: Final = "removed_fields"

T = TypeVar("T", bound=Struct)


class Screened(Struct, Generic[T], frozen=True, kw_only=True):
    """A record after the firewall: cleaned, or refused because a field it cannot do without was hit."""

    report: T
    findings: tuple[Finding, ...] = ()
    refused: bool = False


class _Hit(Struct, frozen=True, kw_only=True, gc=False):
    finding: Finding
    fatal: bool = False


def screen(report: T) -> Screened[T]:
    """The record without what the firewall hit, each emptied field named in `removed_fields` where it has one."""
    if _passes(report):
        return Screened(report=report)
    hits = sorted(_hits(report, ""), key=lambda hit: not hit.fatal)
    findings = tuple(hit.finding for hit in hits)
    if len(hits) > MOST_FINDINGS or any(hit.fatal for hit in hits):
        return Screened(report=report, findings=findings, refused=True)
    cleaned = _cleaned(report, "", frozenset(finding.path for finding in findings))
    return Screened(report=_noted(cleaned, findings), findings=findings)


# The quick look: true only where no rule is broken, and no path is written down.


def _passes(record: Struct) -> bool:
    values_of, checks = _quick_plan(type(record))
    values = values_of(record)
    for value, (passes, step) in compress(zip(values, checks, strict=True), values):
        if value.__class__ is str and len(value) < SHORT and value.isprintable():
            continue
        if not passes(step, value):
            return False
    return True


@cache
def _quick_plan(record_type: type[Struct]) -> tuple[Callable[[Struct], tuple[Any, ...]], tuple[tuple[Any, Step], ...]]:
    """All values in one call, and how each is looked at: this runs for every report."""
    plan = plan_of(record_type)
    names = tuple(step.name for step in plan)
    values_of = attrgetter(*names) if len(names) > 1 else lambda record: (getattr(record, names[0]),)
    return values_of, tuple((_PASSES[step.kind], step) for step in plan)


def _text_passes(step: Step, text: str) -> bool:
    return (len(text) < SHORT and text.isprintable()) or _rule(step, text) is None


def _texts_pass(step: Step, texts: Sequence[str]) -> bool:
    if len(texts) > MOST_MEMBERS:
        return False
    if len(texts) == 1:
        return _text_passes(step, texts[0])
    return _group_rule(step, texts) is None and all(_text_passes(step, text) for text in texts)


def _map_passes(step: Step, entries: dict[str, str]) -> bool:
    return (
        len(entries) <= MOST_MEMBERS
        and _group_rule(step, entries.values()) is None
        and all(_text_passes(step, text) for entry in entries.items() for text in entry)
    )


def _records_pass(_: Step, records: Sequence[Struct]) -> bool:
    if len(records) == 1:
        return _passes(records[0])
    return len(records) <= MOST_MEMBERS and all(map(_passes, records))


def _sealed_pass(_: Step, parts: Sequence[SealedPart]) -> bool:
    return len(parts) <= MOST_MEMBERS and all(next(_sealed_hits(part, ""), None) is None for part in parts)


_PASSES: Final[dict[Kind, Any]] = {
    Kind.TEXT: _text_passes,
    Kind.TEXTS: _texts_pass,
    Kind.MAP: _map_passes,
    Kind.RECORD: lambda _, record: _passes(record),
    Kind.RECORDS: _records_pass,
    Kind.SEALED: _sealed_pass,
}


def _rule(step: Step, text: str) -> str | None:
    return OVERSIZE if len(text) > step.longest else rule_of_text(text, lines_allowed=step.lines)


def _group_rule(step: Step, texts: Iterable[str]) -> str | None:
    """The rule that texts break together: one file cut into many members."""
    return rule_of_text(" ".join(texts)[:LONGEST_JOINED], lines_allowed=step.lines)


# The exact look, for the few that do not pass.


def _hits(record: Struct, path: str) -> Iterator[_Hit]:
    for step in plan_of(type(record)):
        value = getattr(record, step.name)
        if value:
            here = f"{path}{step.name}"
            yield from _too_many(here, value) or _HITS[step.kind](step, value, here)


def _too_many(path: str, value: Any) -> tuple[_Hit, ...]:
    if isinstance(value, str | Struct) or len(value) <= MOST_MEMBERS:
        return ()
    digest = sha256(b"").hexdigest()
    return (_Hit(finding=Finding(path=path, rule=TOO_MANY, length=len(value), sha256=digest), fatal=True),)


def _text_hits(step: Step, text: str, path: str) -> Iterator[_Hit]:
    rule = _rule(step, text)
    if rule is not None:
        yield _Hit(finding=finding_in_text(path, rule, text), fatal=step.required)


def _texts_hits(step: Step, texts: Sequence[str], path: str) -> Iterator[_Hit]:
    hits = [hit for n, text in enumerate(texts) for hit in _text_hits(step, text, f"{path}[{n}]")]
    yield from hits or _group_hits(step, texts, path)


def _map_hits(step: Step, entries: dict[str, str], path: str) -> Iterator[_Hit]:
    pairs = enumerate(entries.items())
    hits = [hit for n, pair in pairs for text in pair for hit in _text_hits(step, text, f"{path}[{n}]")]
    yield from hits or _group_hits(step, entries.values(), path)


def _group_hits(step: Step, texts: Iterable[str], path: str) -> Iterator[_Hit]:
    rule = _group_rule(step, texts)
    if rule is not None:
        yield _Hit(finding=finding_in_text(path, rule, " ".join(texts)), fatal=step.required)


def _records_hits(_: Step, records: Sequence[Struct], path: str) -> Iterator[_Hit]:
    for n, record in enumerate(records):
        yield from _hits(record, f"{path}[{n}].")


def _sealed_parts_hits(_: Step, parts: Sequence[SealedPart], path: str) -> Iterator[_Hit]:
    for n, part in enumerate(parts):
        yield from _sealed_hits(part, f"{path}[{n}]")


def _sealed_hits(part: SealedPart, path: str) -> Iterator[_Hit]:
    """Inside where no key has sealed the part; where one has, its frame only."""
    rule = rule_of_start(part.ciphertext) or rule_of_start(part.enc)
    if max(len(part.ciphertext), len(part.enc)) > MAX_SEALED_BYTES:
        rule = OVERSIZE
    if rule is not None:
        yield _Hit(finding=finding_in_bytes(path, rule, part.ciphertext))
        return
    try:
        inside = personal_part(part)
    except UnreadableRecord:
        yield _Hit(finding=finding_in_bytes(path, SEALED_PART, part.ciphertext))
        return
    yield from _hits(part, f"{path}.")
    if inside is not None and not _passes(inside):
        yield from _hits(inside, f"{path}.")


_HITS: Final[dict[Kind, Any]] = {
    Kind.TEXT: _text_hits,
    Kind.TEXTS: _texts_hits,
    Kind.MAP: _map_hits,
    Kind.RECORD: lambda _, record, path: _hits(record, f"{path}."),
    Kind.RECORDS: _records_hits,
    Kind.SEALED: _sealed_parts_hits,
}


# What remains without the fields that were hit.


def _cleaned(record: T, path: str, hit: frozenset[str]) -> T:
    changes = {}
    for step in plan_of(type(record)):
        value, here = getattr(record, step.name), f"{path}{step.name}"
        if value:
            changes[step.name] = step.default if here in hit else _CLEANED[step.kind](value, here, hit)
    return msgspec.structs.replace(record, **changes)


def _cleaned_texts(texts: Sequence[str], path: str, hit: frozenset[str]) -> tuple[str, ...]:
    return tuple(text for n, text in enumerate(texts) if f"{path}[{n}]" not in hit)


def _cleaned_map(entries: dict[str, str], path: str, hit: frozenset[str]) -> dict[str, str]:
    return {key: text for n, (key, text) in enumerate(entries.items()) if f"{path}[{n}]" not in hit}


def _cleaned_records(records: Sequence[Struct], path: str, hit: frozenset[str]) -> tuple[Struct, ...]:
    return tuple(_cleaned(record, f"{path}[{n}].", hit) for n, record in enumerate(records))


def _cleaned_sealed(parts: Sequence[SealedPart], path: str, hit: frozenset[str]) -> tuple[SealedPart, ...]:
    """A part whose frame was hit goes as a whole; inside an open one, only what was hit."""
    kept = ((n, part) for n, part in enumerate(parts) if not hit & _frame_paths(f"{path}[{n}]"))
    return tuple(_cleaned_part(part, f"{path}[{n}].", hit) for n, part in kept)


def _frame_paths(path: str) -> frozenset[str]:
    return frozenset({path, *(f"{path}.{step.name}" for step in plan_of(SealedPart))})


def _cleaned_part(part: SealedPart, path: str, hit: frozenset[str]) -> SealedPart:
    inside = personal_part(part)
    if inside is None:
        return part
    return msgspec.structs.replace(part, ciphertext=encode(_cleaned(inside, path, hit)))


_CLEANED: Final[dict[Kind, Any]] = {
    Kind.TEXT: lambda text, _path, _hit: text,
    Kind.TEXTS: _cleaned_texts,
    Kind.MAP: _cleaned_map,
    Kind.RECORD: lambda record, path, hit: _cleaned(record, f"{path}.", hit),
    Kind.RECORDS: _cleaned_records,
    Kind.SEALED: _cleaned_sealed,
}


def _noted(record: T, findings: Sequence[Finding]) -> T:
    if NOTES_FIELD not in record.__struct_fields__:
        return record
    notes = tuple(f"{finding.path}:{finding.rule}" for finding in findings)
    return msgspec.structs.replace(record, **{NOTES_FIELD: (*getattr(record, NOTES_FIELD), *notes)})
