"""The field inventory is made, not written, and leaves nothing out; what it says of digests is what is digested."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest

from processors.steps.deduplicate import near, selectors
from processors.steps.deduplicate.selectors import Keys
from schemas.definitions import RECORD_TYPES
from schemas.inventory import fields_of, inventory_page
from schemas.records.identifiers import MemberId
from schemas.records.report import PersonalPart, ReportSubmitted
from schemas.records.values import Mark, NexusKind, Ternary
from tests.builders.reports import a_hash, a_nexus_claim, a_personal_part, a_report, an_instant, an_item
from tocsin.stack import records_kept
from tocsin.stack.records_kept import HELD, lies, recognised_by

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "field-inventory.md"
KEYS: Final = Keys(digest=(b"d" * 32,), recipient=b"r" * 32)
VEIL: Final = near.Veil(b"v" * 32)
WORDS: Final = [word.value for kind in (NexusKind, Ternary, Mark) for word in kind]
"""Of closed vocabularies, where no other text will do."""
DIGESTS: Final = {"sightings", "further_sightings", "content_keys", "restricted.near_hashes"}


def test_the_page_in_the_repository_is_current() -> None:
    current = PAGE.read_text("utf-8") == inventory_page(records_kept)
    assert current, "run: tocsin schema inventory --write docs/reference/field-inventory.md"


def test_every_record_has_a_place_and_every_field_a_line() -> None:
    page = inventory_page(records_kept)
    assert set(HELD) == {record_type.__name__ for record_type in RECORD_TYPES}
    for name in HELD:
        section = page.partition(f"## {name}\n")[2].partition("\n## ")[0]
        whole, parts = (set(lies(name, whole=is_whole)) for is_whole in (True, False))
        assert whole, name
        assert not whole & parts
        assert all(f"- {line}\n" in section for line in whole | parts)
        assert [path for path in fields_of(name) if f"| `{path}` |" not in section] == []


def test_what_is_said_of_digests_is_said_of_fields_and_of_tables_that_hold_the_record() -> None:
    for name, held in HELD.items():
        said = {table for field in fields_of(name) for table in recognised_by(name, field)}
        assert said == DIGESTS.intersection(held.tables + held.inbox), name


def digested(report: ReportSubmitted, personal: PersonalPart) -> dict[str, object]:
    """By table, what would be kept of them."""
    own = selectors.selectors(report, personal, KEYS, lambda _: False)
    contents = selectors.contents(report, own, lambda _: False)
    recipient = MemberId("nl-police")
    had = selectors.content_keys(contents, KEYS, recipient)
    circumstances = selectors.circumstance_keys(own, report, (), KEYS, recipient)
    sighted = [one.digest for one in own]
    veiled = [one.veiled for one in near.vectors(report, VEIL)]
    return {
        "sightings": sighted,
        "further_sightings": sighted,
        "content_keys": (had, circumstances),
        "restricted.near_hashes": veiled,
    }


def changed(record: Any, path: str) -> Iterator[Any]:
    """The record with each value of that field changed, one at a time; none where it has none."""
    plain = msgspec.to_builtins(record)
    for holder, key in _holders(plain, path.split(".")):
        before = holder[key]
        for holder[key] in (_another(before), *(word for word in WORDS if word != before)):
            with suppress(msgspec.ValidationError):  # no word of its closed vocabulary
                yield msgspec.convert(plain, type(record))
                break
        holder[key] = before


def _holders(plain: Any, steps: list[str]) -> Iterator[tuple[Any, Any]]:
    step, *rest = steps
    if plain.get(step) is None:
        return
    if not rest:
        yield (plain, step)
        return
    inner = plain[step]
    for one in inner if isinstance(inner, list | tuple) else [inner]:
        yield from _holders(one, rest)


def _another(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("1" if value.endswith("0") else "0") if value else "0"
    if isinstance(value, dict):
        return {**value, "another": "1"}
    return [*value, *value[:1]]


PDQ: Final = a_hash(algorithm="pdq", value="5" * 64)
FULL: Final = a_report(
    items=(an_item(hashes=(a_hash(), PDQ)),),
    external_ids={"ncmec": "1"},
    incident_at=an_instant(),
    nexus=(a_nexus_claim(),),
)
PERSONAL: Final = a_personal_part()
CASES: Final = [("ReportSubmitted", path) for path in fields_of("ReportSubmitted")]
CASES_OF_A_PERSON: Final = [("PersonalPart", path) for path in fields_of("PersonalPart")]


@pytest.mark.parametrize(("record", "path"), CASES + CASES_OF_A_PERSON)
def test_a_field_changes_the_digests_that_are_said_and_no_other(record: str, path: str) -> None:
    moved: set[str] = set()
    for report in (FULL, a_report(items=(), external_ids={"ncmec": "1"})):
        plain = digested(report, PERSONAL)
        for other in changed(report if record == "ReportSubmitted" else PERSONAL, path):
            again = digested(other, PERSONAL) if record == "ReportSubmitted" else digested(report, other)
            moved |= {table for table in plain if plain[table] != again[table]}
    assert moved == set(recognised_by(record, path))
