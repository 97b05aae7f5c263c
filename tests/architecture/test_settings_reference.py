"""The page of settings says what the code reads, and all of it."""

import click
import msgspec
import pytest
from msgspec import Struct

from consumers.settings import DirectorySink
from tocsin.cli.main import tocsin
from tocsin.runtime.settings import Settings
from tocsin.stack.settings_reference import (
    ENVIRONMENT,
    FILES,
    PAGE,
    headed,
    page,
    read_from_the_environment,
    tables_in,
)


def test_the_page_is_made_from_this_code() -> None:
    assert PAGE.read_text("utf-8") == page(), "Make it anew: python -m tocsin.stack.settings_reference"


def test_every_variable_that_the_code_reads_is_on_the_page_and_no_other() -> None:
    assert read_from_the_environment() == set(ENVIRONMENT)
    assert f"| `TOCSIN_HOME` | {ENVIRONMENT['TOCSIN_HOME']} |" in page()


def variables_of(command: click.Command) -> set[str]:
    inner = command.commands.values() if isinstance(command, click.Group) else ()
    return {str(part.envvar) for part in command.params if part.envvar} | {
        name for one in inner for name in variables_of(one)
    }


def test_every_command_reads_from_the_environment_what_the_page_says() -> None:
    context = click.Context(tocsin)
    commands = [tocsin.get_command(context, name) for name in tocsin.list_commands(context)]
    found = {name for one in commands if one for name in variables_of(one)}
    assert found == set(ENVIRONMENT) - {"PATH", "TOCSIN_CODEC", "XDG_CACHE_HOME"}


@pytest.mark.parametrize(("title", "root"), FILES, ids=[title.split("`")[1] for title, _ in FILES])
def test_every_key_of_every_table_of_a_file_has_its_row(title: str, root: type[Struct]) -> None:
    said = page().partition(f"## {title}\n")[2].partition("\n## ")[0]
    tables = ((headed(table, title), one) for table, one in tables_in(root))
    for header, one in (("Its top", root), *tables):
        (table,) = [part for part in said.split("\n### ") if part.startswith((f"`{header}`\n{one.__doc__}", header))]
        rows = [line.removeprefix("| ").split(" | ")[0] for line in table.splitlines() if line.startswith("| ")]
        assert rows[0] == "key"
        assert "|  |" not in table, f"a key of {header} says nothing of what it is for"
        assert set(rows[1:]) - {"kind"} == {field.name for field in msgspec.structs.fields(one)}, header


def test_tables_of_tables_are_written_as_toml_writes_them() -> None:
    headers = {header for _, root in FILES for header, _ in tables_in(root)}
    assert {"[kafka]", "[[sinks]]", "[signer.NAME]", "[[escalation]]", "[duplicates]"} <= headers
    assert ("[[sinks]]", DirectorySink) in set(tables_in(FILES[1][1]))
    assert FILES[0][1] is Settings


def test_what_is_yaml_is_not_written_as_toml() -> None:
    title = next(title for title, _ in FILES if title.startswith("`deploy/prometheus/slo.yaml`"))
    assert headed("[[objectives]]", title) == "objectives: -"
    assert headed("[canary]", title) == "canary:"
    assert headed("[canary]", FILES[0][0]) == "[canary]"
