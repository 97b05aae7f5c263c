"""A canary for each text of a submitter: where records have one by the published schema, and who may see it."""

import json
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, cast

from msgspec import Struct, structs

from schemas.definitions import FOLDER, NAMESPACE
from schemas.disclosure import Audience
from schemas.records.identifiers import ContentId, CountryCode, MemberId
from schemas.records.report import EstimatedLocation, PersonalPart, ReportSubmitted, SharingChoices, Withdrawal
from schemas.records.values import Text
from tests.builders.reports import (
    a_governance,
    a_network_event,
    a_personal_part,
    a_report,
    a_withdrawal,
    an_account,
    an_item,
)
from tests.golden.cases import cases

MEMBER = MemberId("plat-a")
CANARY = "canary-93d1-sings"
NEVER_TEXT = {("Commitment", "key_id")} | {("SealedPart", name) for name in ("audience", "key_id", "policy")}
"""Of exact size, or made by sealing."""
_INCIDENTS = ("grooming", "sextortion", "live_streaming")
_ITEMS = ("page_with_items", "synthetic_item", "choices")
Place = tuple[str | int, ...]
Field = tuple[str, str]
"""A type of the schema, and one of its fields."""


class Key(str):
    """In a place: the key of a map itself, and not what lies under it."""

    __slots__ = ()


def strings(value: Any, path: Place = ()) -> Iterator[Place]:
    """Where a record has strings, its parts' included."""
    if isinstance(value, str) and not isinstance(value, Enum):
        yield path
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from strings(getattr(value, name), (*path, name))
    elif isinstance(value, tuple):
        for position, one in enumerate(value):
            yield from strings(one, (*path, position))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield (*path, Key(key))
            yield from strings(one, (*path, key))


def planted(value: Any, path: Place, canary: str = CANARY) -> Any:
    """The same record with a canary in one place."""
    if not path:
        return canary
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return (*value[:step], planted(value[step], rest, canary), *value[step + 1 :])
    if isinstance(step, Key):
        return {canary if key == step else key: one for key, one in value.items()}
    if isinstance(value, dict):
        return value | {step: planted(value[step], rest, canary)}
    return structs.replace(value, **{step: planted(getattr(value, step), rest, canary)})


@cache
def release_of(type_name: str) -> dict[str, frozenset[str]]:
    """Read here from the published file, and not by the code that is tested."""
    fields = json.loads((FOLDER / f"{type_name}.avsc").read_text())["fields"]
    return {field["name"]: frozenset(field["release"]) for field in fields}


def ceiling(record: Struct, path: Place) -> frozenset[str]:
    """Who may ever see what lies there: everything on the way to it must allow."""
    allowed, at = frozenset(Audience), cast(Any, record)
    for step in path:
        if isinstance(at, Struct):
            allowed &= release_of(type(at).__name__)[str(step)]
        at = getattr(at, str(step)) if isinstance(at, Struct) else at[step]
    return allowed


def reports() -> Iterator[ReportSubmitted]:
    """Reports that have each field of the language, between them."""
    full = structs.replace(
        a_report(submitter_reference="full", items=(an_item(annotations=("generative_ai",)),)),
        governance=a_governance(from_profile=("purpose",)),
        reported_elsewhere=("example",),
        reporting_obligations=("example",),
        removed_fields=("memo: example",),
        sharing=SharingChoices(deny_labels=("example",), deny_sectors=("platform",)),
    )
    golden = cases()
    for found in (full, *(golden[f"report_{name}"] for name in (*_INCIDENTS, *_ITEMS))):
        assert isinstance(found, ReportSubmitted)
        yield structs.replace(found, submitter=MEMBER, sealed=())


def people() -> PersonalPart:
    """A personal part that has each field of the language."""
    location = EstimatedLocation(country=CountryCode("DE"), region="Example State", city="Example City", person_index=0)
    event = a_network_event(country=CountryCode("DE"), content_id=ContentId("item-1"))
    account = an_account(person_index=0, prior_report_ids=("ncmec:1",), age_band="adult")
    return a_personal_part(accounts=(account,), network_events=(event,), locations=(location,))


def takings_back() -> Withdrawal:
    """A withdrawal that has each field of the language."""
    return a_withdrawal(submitter=MEMBER, reason=Text(text="Sent twice.", language="en"))


def places_of_text(*record_types: type[Struct]) -> frozenset[Field]:
    """Each field of the published schemas, of their parts too, that holds text."""
    return frozenset(found for one in record_types for found in _text_in(one.__name__))


def _text_in(type_name: str) -> Iterator[Field]:
    definition = json.loads((FOLDER / f"{type_name}.avsc").read_text())
    for field in definition.get("fields", ()):  # an enumeration has none
        for name in _names_in(field["type"]):
            if name == "string":
                yield type_name, field["name"]
            elif name.startswith(f"{NAMESPACE}."):
                yield from _text_in(name.removeprefix(f"{NAMESPACE}."))


def _names_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, str):
        yield schema
    elif isinstance(schema, list):
        for branch in schema:
            yield from _names_in(branch)
    else:
        for part in ("type", "items", "values"):
            yield from _names_in(schema.get(part, []))


def field_of(record: Struct, path: Place) -> Field:
    """The type and the name of the field that a string lies in."""
    found, at = ("", ""), cast(Any, record)
    for step in path:
        if isinstance(at, Struct):
            found = (type(at).__name__, str(step))
        at = getattr(at, str(step)) if isinstance(at, Struct) else at[step]
    return found
