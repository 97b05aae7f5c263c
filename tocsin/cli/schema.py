"""`tocsin schema`: list, show, check and compare the schemas of the exchange."""

import json
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from schemas.catalogue import message
from schemas.compatibility import Break, breaks_between, check_all
from schemas.crosswalks import crosswalk, crosswalk_names
from schemas.definitions import RECORD_TYPES, definition, expanded, part_names, record_type_named
from schemas.inventory import inventory_page
from schemas.reference import reference_page
from schemas.releases import releases_of, write_drafts

_CHECK_FAILED = 3
_TODAY = "today"


@click.group("schema")
def command() -> None:
    """List, show, check or compare schemas.

    A schema says what a record on a topic looks like. Each is put together from the files in schemas/avsc,
    where every field says what it means, how sensitive it is and who may ever see it.

    \b
      tocsin schema list                          what records there are
      tocsin schema show ReportSubmitted          its fields
      tocsin schema show ReportSubmitted --avro   what the registry is given
      tocsin schema check                         do all versions read each other?
      tocsin schema diff ReportSubmitted v1       what changed since v1
      tocsin schema crosswalk ncmec               where does a field of NCMEC go?
    """


@command.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def list_records(*, as_json: bool) -> None:
    """Name each record with its versions and what it says."""
    rows = [_summary(record_type) for record_type in RECORD_TYPES]
    if as_json:
        click.echo(json.dumps({row["record"]: row for row in rows}, indent=2))
        return
    for row in rows:
        click.echo(f"{row['record']:16} {', '.join(row['versions']):12} {row['fields']:3} fields  {row['doc']}")


@command.command()
@click.argument("record")
@click.option("--avro", is_flag=True, help="The whole Avro schema, as the registry is given it.")
@click.option("--version", "version_name", default=_TODAY, show_default=True, help="A released version, or today.")
def show(record: str, *, avro: bool, version_name: str) -> None:
    """Show the fields of RECORD, such as ReportSubmitted, or of a part, such as Hash."""
    schema = expanded(record) if record in part_names() and version_name == _TODAY else _schema(record, version_name)
    if avro:
        click.echo(json.dumps(schema, indent=2, ensure_ascii=False))
        return
    click.echo(f"{schema['name']}: {schema['doc']}\n")
    if "symbols" in schema:
        click.echo(f"  one of: {', '.join(schema['symbols'])}")
    for field in schema.get("fields", ()):
        audiences = ", ".join(field["release"]) or "nobody"
        click.echo(f"  {field['name']}{'' if 'default' in field else ' (required)'}: {field['doc']}")
        click.echo(f"      {field['sensitivity'].replace('_', ' ')}; shown to {audiences}")


@command.command()
def check() -> None:
    """Check the form of every schema, and that all versions read each other both ways.

    Exit code 3 when a rule is broken; each line names the record, the field and what to do.
    """
    found = check_all()
    for broken in found:
        click.echo(_sentence(broken))
    if found:
        raise SystemExit(_CHECK_FAILED)
    click.echo(f"{len(RECORD_TYPES)} records: form, drafts and every pair of versions hold.")


@command.command()
@click.argument("record")
@click.argument("older")
@click.argument("newer", default=_TODAY)
def diff(record: str, older: str, newer: str) -> None:
    """Compare two versions of RECORD, OLDER and NEWER, such as v1 and today (the default).

    Exit code 3 when the newer one breaks a rule.
    """
    old, new = _schema(record, older), _schema(record, newer)
    for line in _differences(_flat(old), _flat(new)) or ["No difference."]:
        click.echo(line)
    broken = tuple(breaks_between(record, old, new))
    for found in broken:
        click.echo(_sentence(found))
    if broken:
        raise SystemExit(_CHECK_FAILED)


@command.command("crosswalk")
@click.argument("name", type=click.Choice(crosswalk_names()))
def show_crosswalk(name: str) -> None:
    """Show where each field of another format has its place here, or why it has none."""
    found = crosswalk(name)
    click.echo(f"{found.name}: {found.source}\n")
    for field, path in found.rows():
        click.echo(f"  {field:48} {path}")
    for field, reason in found.absent.items():
        click.echo(f"  {field:48} none: {reason}")


@command.command()
def draft() -> None:
    """Write the avsc files as the draft version in schemas/released."""
    for record, file in write_drafts().items():
        click.echo(f"{record}: {file.parent.name}/{file.name}")


@command.command()
@click.option(
    "--write", "target", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the screen."
)
def reference(target: Path | None) -> None:
    """Make the reference page (docs/reference/schemas.md)."""
    if target is None:
        click.echo(reference_page(), nl=False)
    else:
        target.write_text(reference_page(), "utf-8")


@command.command()
@click.option(
    "--write", "target", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the screen."
)
def inventory(target: Path | None) -> None:
    """Make the field inventory for a data-protection officer (docs/reference/field-inventory.md)."""
    from tocsin.stack import records_kept  # noqa: PLC0415  # it reads the tables of journal and inbox

    if target is None:
        click.echo(inventory_page(records_kept), nl=False)
    else:
        target.write_text(inventory_page(records_kept), "utf-8")


@command.command()
@click.option(
    "--write", "target", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the screen."
)
def data(target: Path | None) -> None:
    """Make the inventory of topics, tables and local files with their retention (docs/reference/data-inventory.md)."""
    from tocsin.stack.inventory import data_page  # noqa: PLC0415  # it reads the tables of journal and inbox

    if target is None:
        click.echo(data_page(), nl=False)
    else:
        target.write_text(data_page(), "utf-8")


def _summary(record_type: type[Struct]) -> dict[str, Any]:
    name = record_type.__name__
    found = definition(name)
    stages = [f"{release.version.name} ({release.version.state})" for release in releases_of(name)]
    return {"record": name, "versions": stages, "fields": len(found["fields"]), "doc": found["doc"]}


def _schema(record: str, version_name: str) -> dict[str, Any]:
    record_type = record_type_named(record)
    if record_type is None:
        names = ", ".join(known.__name__ for known in RECORD_TYPES)
        raise click.UsageError(f"There is no record '{record}'. There are: {names}.")
    if version_name == _TODAY:
        return expanded(record_type.__name__)
    releases = {release.version.name: release.whole_schema for release in releases_of(record_type.__name__)}
    if version_name not in releases:
        raise click.UsageError(f"{record} has no version '{version_name}'. It has: {', '.join([*releases, _TODAY])}.")
    return releases[version_name]


def _flat(schema: Any, path: str = "") -> dict[str, str]:
    """Every attribute of a schema by its path, lists of named things by name."""
    if isinstance(schema, dict):
        parts = schema.items()
    elif isinstance(schema, list) and schema and all(isinstance(part, dict) and "name" in part for part in schema):
        parts = {part["name"]: part for part in schema}.items()
    else:
        return {path: json.dumps(schema, ensure_ascii=False)}
    return {where: text for key, part in parts for where, text in _flat(part, f"{path}/{key}").items()}


def _differences(old: dict[str, str], new: dict[str, str]) -> list[str]:
    gone = [f"- {path} {text}" for path, text in old.items() if new.get(path) != text]
    come = [f"+ {path} {text}" for path, text in new.items() if old.get(path) != text]
    return gone + come


def _sentence(found: Break) -> str:
    place = ".".join(part for part in (found.record, found.path) if part)
    versions = f" ({found.between})" if found.between else ""
    return f"{place}{versions}: {message(found.rule)} [{found.rule}]"
