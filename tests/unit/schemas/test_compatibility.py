"""The checker, on planted changes: each that would lose or change data is named."""

from copy import deepcopy
from typing import Any

import pytest

from schemas.compatibility import breaks_between, breaks_of_form, check_all
from schemas.definitions import expanded
from schemas.releases import FOLDER, State, releases_of, versions

Schema = dict[str, Any]


def changed(edit: Any) -> Schema:
    schema = deepcopy(expanded("Withdrawal"))
    edit(schema)
    return schema


def field(schema: Schema, name: str) -> Schema:
    return next(part for part in schema["fields"] if part["name"] == name)


def add(**parts: Any) -> Any:
    return lambda schema: schema["fields"].append({"name": "extra", "type": "string"} | parts)


def put(name: str, **parts: Any) -> Any:
    return lambda schema: field(schema, name).update(parts)


def drop(name: str) -> Any:
    return lambda schema: schema["fields"].remove(field(schema, name))


def put_symbols(*symbols: str) -> Any:
    return lambda schema: field(schema, "mark")["type"].update(symbols=list(symbols))


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (add(), "schema.new_field_without_default"),
        (drop("reason_code"), "schema.field_removed"),
        (put("reason_code", type="bytes"), "schema.type_changed"),
        (put("revision", type="double"), "schema.type_changed"),
        (put("reason_code", default="x"), "schema.default_changed"),
        (put("revision", default=1), "schema.default_changed"),
        (put("reason", release=["submitter", "operator", "platform"]), "schema.release_widened"),
        (put("reason", sensitivity="operational"), "schema.sensitivity_lowered"),
        (lambda schema: schema.update(name="TakenBack"), "schema.renamed"),
        (put_symbols("UNKNOWN", "TEST", "LIVE", "DRILL"), "schema.symbols_not_appended"),
        (put_symbols("UNKNOWN", "LIVE", "TEST"), "schema.symbols_not_appended"),
    ],
)
def test_a_change_that_breaks_a_reader_is_named(edit: Any, rule: str) -> None:
    assert rule in {found.rule for found in breaks_between("Withdrawal", expanded("Withdrawal"), changed(edit))}


@pytest.mark.parametrize(
    "edit",
    [
        add(default=""),
        put("reason_code", doc="Other words."),
        put("reason", release=["submitter"]),
        put_symbols("UNKNOWN", "LIVE", "TEST", "DRILL", "REHEARSAL"),
    ],
)
def test_a_change_that_every_reader_bears_is_not(edit: Any) -> None:
    assert list(breaks_between("Withdrawal", expanded("Withdrawal"), changed(edit))) == []


@pytest.mark.parametrize(
    ("edit", "rule"),
    [
        (put("reason_code", aliases=["why"]), "schema.alias"),
        (add(type=["null", "string"]), "schema.union"),
        (add(type=["string", "null"], default=""), "schema.union"),
        (add(type=["null", "string", "long"], default=None), "schema.union"),
        (add(type={"type": "long", "logicalType": "timestamp-millis"}, default=0), "schema.logical_type"),
        (put_symbols("LIVE", "UNKNOWN"), "schema.enum_without_unknown"),
    ],
)
def test_a_form_that_is_not_ours_is_named(edit: Any, rule: str) -> None:
    assert rule in {found.rule for found in breaks_of_form("Withdrawal", changed(edit))}


def test_everything_in_the_repository_holds() -> None:
    assert check_all() == (), "see: tocsin schema check"


def test_a_released_file_that_was_edited_is_noticed(tmp_path: Any) -> None:
    (tmp_path / "versions.toml").write_text('[v1]\nstate = "released"\nsha256 = {Withdrawal = "00"}\n')
    (tmp_path / "Withdrawal").mkdir()
    (tmp_path / "Withdrawal" / "v1.avsc").write_bytes((FOLDER / "Withdrawal" / "v1.avsc").read_bytes())
    (release,) = releases_of("Withdrawal", tmp_path)
    assert release.version.state is State.RELEASED
    assert not release.intact


def test_there_is_a_version() -> None:
    assert [version.name for version in versions()] == ["v1"]
