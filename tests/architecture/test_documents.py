"""What the documents name is there: links, commands and their options, folders, and the Python of the README."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest

import tocsin as product
from tocsin.cli.main import tocsin

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for place in ("", "docs/**/", "deploy/**/", "examples/") for page in ROOT.glob(f"{place}*.md"))
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
BLOCK = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
SPAN = re.compile(r"`((?:[^`\n]|\n(?!\n))+)`")
COMMAND = re.compile(r"(?:^|\$\(|&& |; |\| )\s*(?:\.venv/bin/)?tocsin (?=[a-z])(.*?)(?=$| [|;&>#]|[;)])", re.MULTILINE)
"""Where a shell would take a command, and up to where that is it."""
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
FOLLOWED = [page for page in PAGES if page.parent.name in {"guides", "runbooks"}]
"""What people call commands from."""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def code_in(page: Path) -> Iterator[str]:
    """Every block, and every span as one line."""
    text = re.sub(r"\\\n\s*", " ", page.read_text("utf-8"))
    yield from BLOCK.findall(text)
    yield from (" ".join(span.split()) for span in SPAN.findall(BLOCK.sub("", text)))


def commands_in(page: Path) -> Iterator[str]:
    """What is behind `tocsin`, without the brackets that say that a part may be left out."""
    for code in code_in(page):
        yield from (" ".join(re.sub(r"[][]", "", command).split()) for command in COMMAND.findall(code))


def lost(command: click.Command, words: list[str]) -> set[str]:
    """The words that lead nowhere: a subcommand that its group has not, an option that this very command has not."""
    if not isinstance(command, click.Group) or not words or words[0].startswith("-"):
        return set(OPTION.findall(" ".join(words))) - options_of(command)
    found = {word: command.get_command(click.Context(command), word) for word in words[0].split("|")}
    unknown = {word for word, inner in found.items() if inner is None}
    return unknown.union(*(lost(inner, words[1:]) for inner in found.values() if inner))


def options_of(command: click.Command) -> set[str]:
    own = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    return own | {"--help", "--version"}


def wrong_in(command: click.Command, words: list[str]) -> set[str]:
    """Why a shell's `tocsin` would call it wrong usage; a name alone names the command, and is no call of it."""
    if not words:
        return set()
    context = click.Context(command)
    if isinstance(command, click.Group) and not words[0].startswith("-"):
        inner = command.get_command(context, words[0])
        return wrong_in(inner, words[1:]) if inner else {words[0]}
    try:
        given, beyond, _ = command.make_parser(context).parse_args(list(words))
    except click.UsageError as error:
        return {error.format_message()}
    return {*beyond, *(str(one.name) for one in command.params if one.required and not is_given(one, given))}


def is_given(parameter: click.Parameter, given: dict[str, Any]) -> bool:
    name = str(parameter.name)
    return name in given and not parameter.value_is_missing(given[name])


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    inside = [link for link in LINK.findall(page.read_text("utf-8")) if "://" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_is_named_exists_with_its_subcommands_and_their_own_options(page: Path) -> None:
    found = {command: lost(tocsin, command.split()) for command in commands_in(page)}
    assert {command: words for command, words in found.items() if words} == {}


@pytest.mark.parametrize("page", FOLLOWED, ids=name)
def test_every_command_of_a_guide_or_runbook_has_what_it_cannot_do_without(page: Path) -> None:
    found = {command: wrong_in(tocsin, shlex.split(command)) for command in commands_in(page)}
    assert {command: words for command, words in found.items() if words} == {}


def test_a_command_that_does_not_exist_would_be_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "Say `tocsin publish FILE --nonsense`, `tocsin hold legal tell --owner W`, `tocsin dlq show|list [--by\nN]`,"
        " or:\n```\ntocsin fly --now\nx=$(tocsin hold legal ask) && tocsin dlq drop \\\n  NAME --member M  # why\n```\n"
    )
    assert {command: lost(tocsin, command.split()) for command in commands_in(page)} == {
        "publish FILE --nonsense": {"--nonsense"},
        "hold legal tell --owner W": {"--owner"},
        "dlq show|list --by N": {"--by"},
        "fly --now": {"fly"},
        "hold legal ask": {"ask"},
        "dlq drop NAME --member M": {"--member"},
    }, "an option of a sibling is none of its own"


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        ("member resume", set()),
        ("member resume M --by N --reason R", set()),
        ("member resume M ...", {"...", "by", "reason"}),
        ("member resume M --by N", {"reason"}),
        ("member resume --by N --reason R", {"member"}),
        ("member resume M N --by N --reason R", {"N"}),
        ("member resume M --by N --reason", {"Option '--reason' requires an argument."}),
        ("member rest M", {"rest"}),
    ],
)
def test_a_command_without_what_it_needs_would_be_noticed(command: str, wrong: set[str]) -> None:
    assert wrong_in(tocsin, shlex.split(command)) == wrong


def test_every_folder_of_the_architecture_page_is_there_and_every_package_is_on_it() -> None:
    named = re.findall(r"^\| `([a-z/]+)/` \|", (ROOT / "ARCHITECTURE.md").read_text("utf-8"), re.MULTILINE)
    assert [folder for folder in named if not (ROOT / folder).is_dir()] == []
    packages = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tocsin"}
    assert packages <= set(named)


def test_every_package_says_in_one_sentence_what_it_is() -> None:
    ours = (file for folder in ("schemas", "tocsin", "producers", "processors", "consumers") for file in files(folder))
    for file in ours:
        words = ast.get_docstring(ast.parse(file.read_text("utf-8"))) or ""
        first, *_ = words.split("\n")
        assert first.endswith("."), file


def files(folder: str) -> Iterator[Path]:
    return (ROOT / folder).rglob("__init__.py")


def test_decisions_are_numbered_once() -> None:
    numbers = [page.name[:4] for page in (ROOT / "docs" / "decisions").glob("*.md")]
    assert len(numbers) == len(set(numbers))


def test_the_python_of_the_readme_names_what_there_is() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    tree = ast.parse(snippet)
    imported = [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert imported
    assert all(hasattr(product, word) for word in imported)
    (draft,) = [
        call for call in ast.walk(tree) if isinstance(call, ast.Call) and ast.unparse(call.func) == "ReportDraft"
    ]
    values = {word.arg or "": ast.literal_eval(word.value) for word in draft.keywords}
    made = product.ReportDraft(**values)
    assert msgspec.structs.asdict(made)["submitter_reference"] == values["submitter_reference"]


def test_every_target_of_the_makefile_is_there_once_and_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text("utf-8")
    named = re.search(r"^\.PHONY: (.+)$", text, re.MULTILINE)
    assert named is not None
    assert sorted(re.findall(r"^([a-z][a-z-]*):.* ## ", text, re.MULTILINE)) == sorted(named[1].split())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"\bmake ([a-z][a-z-]*)", "\n".join(code_in(page)))) <= targets
