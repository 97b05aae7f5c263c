"""Whether versions of a schema can read each other, all of them both ways, by rules stricter than Avro's.

Avro's FULL_TRANSITIVE would let a field vanish or a default change its meaning. Here a released field stays, keeps its
type and default, enumerations only grow at their end, and what a field gives away may only shrink.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any, Final

from msgspec import Struct

from schemas.definitions import NAMESPACE, RECORD_TYPES, expanded
from schemas.disclosure import Sensitivity
from schemas.releases import State, releases_of

_RANK: Final = {
    Sensitivity.OPERATIONAL: 0,
    Sensitivity.CASE: 1,
    Sensitivity.RESTRICTED: 2,
    Sensitivity.PERSONAL: 3,
    Sensitivity.FREE_TEXT: 3,
}
_UNION_BRANCHES: Final = 2


class Break(Struct, frozen=True, kw_only=True, gc=False):
    """One rule that a schema, or a step from one version to another, breaks; `rule` is a code of the catalogue."""

    record: str
    path: str
    rule: str
    between: str = ""
    """The versions, oldest first, where two are compared."""


def check_all() -> tuple[Break, ...]:
    """Every rule over every record: today's form, drafts that are stale, and each pair of versions."""
    return tuple(found for record_type in RECORD_TYPES for found in _check(record_type.__name__))


def breaks_of_form(record: str, schema: Mapping[str, Any]) -> Iterator[Break]:
    """Rules that one schema breaks by itself."""
    for path, field in _fields(schema):
        if "aliases" in field:
            yield Break(record=record, path=path, rule="schema.alias")
        yield from _breaks_of_type(record, path, field)
    for name, definition in _named_types(schema).items():
        if definition["type"] == "enum" and not definition["symbols"][0] == definition.get("default") == "UNKNOWN":
            yield Break(record=record, path=name, rule="schema.enum_without_unknown")


def breaks_between(record: str, older: Mapping[str, Any], newer: Mapping[str, Any]) -> Iterator[Break]:
    """Rules that the step from the older to the newer schema breaks, in either direction of reading."""
    if older.get("name") != newer.get("name") or older.get("namespace") != newer.get("namespace"):
        yield Break(record=record, path="", rule="schema.renamed")
    old_types, new_types = _named_types(older), _named_types(newer)
    for name in old_types:
        if name not in new_types:
            yield Break(record=record, path=name, rule="schema.type_removed")
        elif old_types[name]["type"] == "enum":
            yield from _breaks_of_symbols(record, name, old_types[name], new_types[name])
        else:
            yield from _breaks_of_fields(record, name, old_types[name], new_types[name])


def _check(record: str) -> Iterator[Break]:
    today = expanded(record)
    releases = releases_of(record)
    yield from breaks_of_form(record, today)
    for release in releases:
        if not release.intact:
            yield Break(record=record, path=release.version.name, rule="schema.release_edited")
        if release.version.state is State.DRAFT and release.whole_schema != today:
            yield Break(record=record, path=release.version.name, rule="schema.draft_stale")
    stages = [(release.version.name, release.whole_schema) for release in releases] + [("today", today)]
    for (old_name, older), (new_name, newer) in combinations(stages, 2):
        if not _is_draft(releases, old_name):
            between = f"{old_name} and {new_name}"
            for found in breaks_between(record, older, newer):
                yield Break(record=record, path=found.path, rule=found.rule, between=between)


def _is_draft(releases: Any, name: str) -> bool:
    return any(release.version.name == name and release.version.state is State.DRAFT for release in releases)


def _breaks_of_type(record: str, path: str, field: Mapping[str, Any]) -> Iterator[Break]:
    kind = field["type"]
    if isinstance(kind, list):
        is_optional = len(kind) == _UNION_BRANCHES and kind[0] == "null" and "default" in field
        if not is_optional or field["default"] is not None:
            yield Break(record=record, path=path, rule="schema.union")
    if isinstance(kind, dict) and "logicalType" in kind:
        yield Break(record=record, path=path, rule="schema.logical_type")


def _breaks_of_symbols(record: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Break]:
    if new.get("symbols", [])[: len(old["symbols"])] != old["symbols"]:
        yield Break(record=record, path=name, rule="schema.symbols_not_appended")


def _breaks_of_fields(record: str, name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Break]:
    old_fields = {field["name"]: field for field in old["fields"]}
    new_fields = {field["name"]: field for field in new.get("fields", [])}
    for field_name, field in new_fields.items():
        if field_name not in old_fields and "default" not in field:
            yield Break(record=record, path=f"{name}.{field_name}", rule="schema.new_field_without_default")
    for field_name, field in old_fields.items():
        path = f"{name}.{field_name}"
        if field_name not in new_fields:
            yield Break(record=record, path=path, rule="schema.field_removed")
        else:
            for rule in _rules_of_change(field, new_fields[field_name]):
                yield Break(record=record, path=path, rule=rule)


def _rules_of_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    if _bare(old["type"]) != _bare(new["type"]):
        yield "schema.type_changed"
    if ("default" in old, old.get("default")) != ("default" in new, new.get("default")):
        yield "schema.default_changed"
    if not set(new.get("release", ())) <= set(old.get("release", ())):
        yield "schema.release_widened"
    if _rank(new) < _rank(old):
        yield "schema.sensitivity_lowered"


def _rank(field: Mapping[str, Any]) -> int:
    return _RANK.get(field.get("sensitivity", ""), max(_RANK.values()))


def _bare(kind: Any) -> Any:
    """A type with its named parts by name alone, because those are compared on their own."""
    if isinstance(kind, list):
        return [_bare(branch) for branch in kind]
    if not isinstance(kind, dict):
        return kind
    if "name" in kind:
        return f"{NAMESPACE}.{kind['name']}"
    return {part: _bare(value) for part, value in kind.items()}


def _named_types(schema: Any) -> dict[str, Any]:
    """Every named type in a whole schema, by its name."""
    if isinstance(schema, list):
        return {name: kind for branch in schema for name, kind in _named_types(branch).items()}
    if not isinstance(schema, dict):
        return {}
    own = {schema["name"]: schema} if "name" in schema else {}
    inner = [schema.get("items"), schema.get("values"), *(field["type"] for field in schema.get("fields", ()))]
    return own | _named_types(inner)


def _fields(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, definition in _named_types(schema).items():
        for field in definition.get("fields", ()):
            yield f"{name}.{field['name']}", field
